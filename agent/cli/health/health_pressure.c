/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/health/health_pressure.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

/*
 * Where a finding turns. The kubelet evicts below 100 MiB of memory, 10 % of its disk, 15 % of the images' disk and
 * 5 % of inodes; K3s sets both disks to 5 %.
 */
#define MEMORY_BAD_BYTES  (UINT64_C(100) << 20)
#define MEMORY_WARN_SHARE 5.0
#define DISK_WARN_SHARE	  15.0
#define DISK_BAD_SHARE	  5.0
#define INODES_WARN_SHARE 10.0
#define INODES_BAD_SHARE  5.0
/* of the last minute: some tasks waited for CPU, all stalled for memory or disk I/O */
#define CPU_WARN_SHARE	  50.0
#define MEMORY_STALL_WARN 10.0
#define MEMORY_STALL_BAD  40.0
#define IO_STALL_WARN	  40.0

/* --- gathering ------------------------------------------------------------------------------- */

/* The first bytes of a small file; "" where there is none. */
static void read_text(const char *root, const char *path, char *ret, size_t size)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	cleanup_fclose FILE *file = fopen(full, "re");

	ret[file ? fread(ret, 1, size - 1, file) : 0] = '\0';
}

static bool psi_line(const char *text, const char *word, double *ret10, double *ret60)
{
	const char *line = strstr(text, word);
	double avg10, avg60;

	if (!line || sscanf(line + strlen(word), " avg10=%lf avg60=%lf", &avg10, &avg60) != 2 ||
	    !(avg10 >= 0 && avg10 <= 100 && avg60 >= 0 && avg60 <= 100))
		return false;
	*ret10 = avg10;
	*ret60 = avg60;
	return true;
}

bool health_psi_parse(const char *text, struct health_psi *ret)
{
	struct health_psi psi = {.seen = true};

	if (!psi_line(text, "some", &psi.some10, &psi.some60))
		return false;
	psi_line(text, "full", &psi.full10, &psi.full60); /* of the CPU older kernels have none */
	*ret = psi;
	return true;
}

static bool meminfo_line(const char *text, const char *word, uint64_t *ret)
{
	const char *line = strstr(text, word);
	uint64_t kib;

	if (!line || sscanf(line + strlen(word), " %" SCNu64 " kB", &kib) != 1 ||
	    kib > UINT64_MAX / 1024)
		return false;
	*ret = kib * 1024;
	return true;
}

bool health_meminfo_parse(const char *text, uint64_t *ret_total, uint64_t *ret_available)
{
	uint64_t total, available;

	if (!meminfo_line(text, "MemTotal:", &total) || !total ||
	    !meminfo_line(text, "MemAvailable:", &available) || available > total)
		return false;
	*ret_total = total;
	*ret_available = available;
	return true;
}

static void add_disk(struct health_pressure *pressure, const char *root, const char *path,
		     dev_t devices[static HEALTH_DISKS_MAX])
{
	char full[PATH_MAX];
	struct stat where;
	struct statvfs found;

	snprintf(full, sizeof(full), "%s%s", root, path);
	if (pressure->disk_count == HEALTH_DISKS_MAX || stat(full, &where) < 0 ||
	    statvfs(full, &found) < 0 || !found.f_blocks)
		return;
	for (size_t i = 0; i < pressure->disk_count; i++)
		if (devices[i] == where.st_dev)
			return;
	struct health_disk *disk = &pressure->disks[pressure->disk_count];

	devices[pressure->disk_count++] = where.st_dev;
	TEXT_COPY(disk->path, path);
	disk->bytes = (uint64_t)found.f_blocks * found.f_frsize;
	disk->bytes_free = (uint64_t)found.f_bavail * found.f_frsize;
	disk->inodes = found.f_files;
	disk->inodes_free = found.f_favail;
}

static void read_disks(struct health_pressure *pressure, const char *root)
{
	static const char *const paths[] = {"/", "/var/lib/containerd", "/var/lib/rancher",
					    "/var/lib/kubelet"};
	dev_t devices[HEALTH_DISKS_MAX];

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		add_disk(pressure, root, paths[i], devices);
}

void health_pressure_read(struct health_pressure *ret, const char *root)
{
	struct health_pressure pressure = {0};
	char text[4096];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	read_text(root, "/proc/pressure/cpu", text, sizeof(text));
	health_psi_parse(text, &pressure.cpu);
	read_text(root, "/proc/pressure/memory", text, sizeof(text));
	health_psi_parse(text, &pressure.memory);
	read_text(root, "/proc/pressure/io", text, sizeof(text));
	health_psi_parse(text, &pressure.io);
	read_text(root, "/proc/meminfo", text, sizeof(text));
	health_meminfo_parse(text, &pressure.memory_bytes, &pressure.available_bytes);
	read_text(root, "/proc/loadavg", text, sizeof(text));
	if (sscanf(text, "%lf", &pressure.load) != 1)
		pressure.load = 0;
	pressure.cores = cores > 0 ? (uint32_t)cores : 0;
	read_disks(&pressure, root);
	*ret = pressure;
}

/* --- judging --------------------------------------------------------------------------------- */

static void no_psi(struct health_report *report, const char *check)
{
	struct health_finding *finding = health_find(report, check, GRADE_UNKNOWN,
						     "this kernel does not tell what processes "
						     "wait for (psi=1 on its command line)");
	finding->aside = true;
}

void health_judge_cpu(struct health_report *report, const struct health_pressure *pressure)
{
	const struct health_psi *psi = &pressure->cpu;
	struct health_finding *finding;

	if (!psi->seen) {
		no_psi(report, "cpu");
		return;
	}
	finding = health_find(report, "cpu", psi->some60 > CPU_WARN_SHARE ? GRADE_WARN : GRADE_OK,
			      "load %.2f on %" PRIu32 " core%s; some tasks waited for CPU "
			      "%.1f %% of the last minute",
			      pressure->load, pressure->cores, pressure->cores == 1 ? "" : "s",
			      psi->some60);
	if (finding->grade != GRADE_OK)
		health_advise(finding, "top shows who; while many pods start this is usual, and "
				       "probes may time out");
}

static enum grade memory_grade(const struct health_pressure *pressure, double share)
{
	const struct health_psi *psi = &pressure->memory;

	if (pressure->available_bytes < MEMORY_BAD_BYTES || psi->full60 > MEMORY_STALL_BAD)
		return GRADE_BAD;
	return share < MEMORY_WARN_SHARE || psi->full60 > MEMORY_STALL_WARN ? GRADE_WARN : GRADE_OK;
}

void health_judge_memory(struct health_report *report, const struct health_pressure *pressure)
{
	const struct health_psi *psi = &pressure->memory;
	char available[BYTES_TEXT_SIZE], total[BYTES_TEXT_SIZE], stall[64] = "";
	struct health_finding *finding;

	if (!pressure->memory_bytes) {
		finding =
			health_find(report, "memory", GRADE_UNKNOWN, "/proc/meminfo can't be read");
		health_advise(finding, "mount /proc");
		return;
	}
	double share = 100.0 * (double)pressure->available_bytes / (double)pressure->memory_bytes;

	text_bytes(pressure->available_bytes, available);
	text_bytes(pressure->memory_bytes, total);
	if (psi->seen)
		snprintf(stall, sizeof(stall),
			 "; all tasks stalled for it %.1f %% of the last minute", psi->full60);
	finding = health_find(report, "memory", memory_grade(pressure, share),
			      "%s of %s available (%.0f %%)%s", available, total, share, stall);
	if (finding->grade != GRADE_OK)
		health_advise(finding, "nodewake ooms; systemd-cgtop -m or kubectl top pods -A "
				       "show who holds it");
}

void health_judge_io(struct health_report *report, const struct health_pressure *pressure)
{
	const struct health_psi *psi = &pressure->io;
	struct health_finding *finding;

	if (!psi->seen) {
		no_psi(report, "io");
		return;
	}
	finding = health_find(report, "io", psi->full60 > IO_STALL_WARN ? GRADE_WARN : GRADE_OK,
			      "all tasks stalled for disk I/O %.1f %% of the last minute",
			      psi->full60);
	if (finding->grade != GRADE_OK)
		health_advise(finding,
			      "iotop -o shows who; nodewake pulls tells of images that are "
			      "being unpacked");
}

/* 100 where there is no such number (btrfs has no inodes to count). */
static double share_of(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 100.0;
}

void health_judge_disks(struct health_report *report, const struct health_pressure *pressure)
{
	if (!pressure->disk_count)
		health_find(report, "disk", GRADE_UNKNOWN, "no file system could be looked at");
	for (size_t i = 0; i < pressure->disk_count; i++) {
		const struct health_disk *disk = &pressure->disks[i];
		double bytes = share_of(disk->bytes_free, disk->bytes);
		double inodes = share_of(disk->inodes_free, disk->inodes);
		bool bad = bytes < DISK_BAD_SHARE || inodes < INODES_BAD_SHARE;
		bool warn = bytes < DISK_WARN_SHARE || inodes < INODES_WARN_SHARE;
		char free_text[BYTES_TEXT_SIZE], total[BYTES_TEXT_SIZE], few[48] = "";

		text_bytes(disk->bytes_free, free_text);
		text_bytes(disk->bytes, total);
		if (inodes < INODES_WARN_SHARE)
			snprintf(few, sizeof(few), ", %.0f %% of the inodes", inodes);
		struct health_finding *finding =
			health_find(report, "disk",
				    bad	   ? GRADE_BAD
				    : warn ? GRADE_WARN
					   : GRADE_OK,
				    "%s has %s of %s free (%.0f %%)%s", disk->path, free_text,
				    total, bytes, few);

		TEXT_COPY(finding->subject, disk->path);
		if (finding->grade != GRADE_OK)
			health_advise(finding,
				      "the kubelet evicts pods for this: crictl rmi "
				      "--prune drops unused images; du -xh --max-depth=2 "
				      "%s | sort -h | tail",
				      disk->path);
	}
}
