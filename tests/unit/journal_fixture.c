/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/journal_fixture.h"

#include <ftw.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define MAKER "/lib/systemd/systemd-journal-remote"

void machine_make(struct machine *machine)
{
	*machine = (struct machine){
		.root = "/tmp/nodewake-journal-XXXXXX",
		.machine_id = MACHINE,
	};
	assert_non_null(mkdtemp(machine->root));
}

void machine_open(struct machine *machine)
{
	if (access(MAKER, X_OK) < 0) {
		fputs("SKIPPED: systemd-journal-remote is not installed: run make deps\n", stderr);
		skip();
	}
	machine_make(machine);
}

static int remove_one(const char *path, const struct stat *found, int type, struct FTW *place)
{
	(void)found;
	(void)type;
	(void)place;
	return remove(path);
}

void machine_remove(struct machine *machine)
{
	if (machine->text)
		fclose(machine->text);
	nftw(machine->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void path_of(const struct machine *machine, const char *path, char ret[static 256])
{
	snprintf(ret, 256, "%s/%s", machine->root, path);
	for (char *at = ret + strlen(machine->root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(ret, 0755);
		*at = '/';
	}
}

void machine_put(const struct machine *machine, const char *path, const char *text, size_t size)
{
	char full[256];

	path_of(machine, path, full);
	FILE *file = fopen(full, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

void machine_boot(struct machine *machine, const char *boot_id, int64_t start_wall_ns)
{
	text_copy(machine->boot_id, sizeof(machine->boot_id), boot_id);
	machine->wall_offset_ns = start_wall_ns;
}

static FILE *text_of(struct machine *machine)
{
	char path[256];

	if (!machine->text) {
		path_of(machine, "export", path);
		machine->text = fopen(path, "we");
		assert_non_null(machine->text);
	}
	return machine->text;
}

static void print_id(FILE *out, const char *boot_id)
{
	for (; *boot_id; boot_id++)
		if (*boot_id != '-')
			fputc(*boot_id, out);
}

void machine_entry(struct machine *machine, uint64_t boot_ns, const char *identifier,
		   const char *unit, const char *message)
{
	FILE *out = text_of(machine);

	fprintf(out,
		"__REALTIME_TIMESTAMP=%" PRId64 "\n__MONOTONIC_TIMESTAMP=%" PRIu64 "\n_BOOT_ID=",
		((int64_t)boot_ns + machine->wall_offset_ns) / 1000, boot_ns / 1000);
	print_id(out, machine->boot_id);
	fprintf(out, "\n_MACHINE_ID=%s\nSYSLOG_IDENTIFIER=%s\n_SYSTEMD_UNIT=%s\n_TRANSPORT=%s\n",
		machine->machine_id, identifier, unit,
		strcmp(identifier, "kernel") == 0 ? "kernel" : "stdout");
	if (strcmp(identifier, "systemd") == 0)
		fputs(*unit == 'u' ? "_PID=1234\n" : "_PID=1\n", out);
	fprintf(out, "MESSAGE=%s\n\n", message);
}

#define CONTAINERD_LINE "time=\"%s\" level=info %s"

void machine_containerd(struct machine *machine, const char *identifier, uint64_t boot_ns,
			uint64_t late_ns, const char *rest)
{
	char time[WALL_TEXT_SIZE], message[512];

	clock_wall_text(machine->wall_offset_ns + (int64_t)(boot_ns - late_ns), 9, time);
	snprintf(message, sizeof(message), CONTAINERD_LINE, time, rest);
	machine_entry(machine, boot_ns, identifier, "containerd.service", message);
}

void containerd_line(FILE *log, int64_t wall_ns, const char *rest)
{
	char time[WALL_TEXT_SIZE];

	clock_wall_text(wall_ns, 9, time);
	fprintf(log, CONTAINERD_LINE "\n", time, rest);
}

static void convert(struct machine *machine, const char *dir, const char *name)
{
	char relative[200], to[256], from[256], command[800];

	snprintf(relative, sizeof(relative), "%s/%s", dir, name);
	path_of(machine, "export", from);
	path_of(machine, "made.journal", to);
	snprintf(command, sizeof(command), MAKER " --output=%s %s 2>/dev/null", to, from);
	assert_int_equal(system(command), 0);
	path_of(machine, relative, from);
	assert_int_equal(rename(to, from), 0);
}

void machine_write(struct machine *machine, const char *dir, const char *name)
{
	assert_non_null(machine->text);
	fclose(machine->text);
	machine->text = NULL;
	convert(machine, dir, name);
}

void machine_write_recorded(struct machine *machine, const char *dir, const char *name,
			    const char *recorded)
{
	FILE *in, *out = text_of(machine);
	char line[4096];

	in = fopen(recorded, "re");
	if (!in)
		fail_msg("%s: run the tests from the repository's root", recorded);
	while (fgets(line, sizeof(line), in)) {
		if (*line == '#')
			continue;
		if (strcmp(line, "_BOOT_ID=@THIS_BOOT@\n") == 0) {
			fputs("_BOOT_ID=", out);
			print_id(out, THIS_BOOT);
			fputc('\n', out);
		} else {
			fputs(line, out);
		}
	}
	fclose(in);
	machine_write(machine, dir, name);
}

void machine_on_event(void *context, const struct event *event)
{
	struct machine *machine = context;

	assert_true(machine->count < EVENTS_MAX);
	machine->events[machine->count++] = *event;
}

void machine_look(struct machine *machine, struct journal_source_options options, uint32_t looks,
		  struct journal_source_stats *ret)
{
	struct journal_source_stats stats = {0};
	struct journal_source *source;
	sd_event *loop;

	options.root = machine->root;
	options.boot_id = THIS_BOOT;
	if (!options.horizon_ns)
		options.horizon_ns = 900 * S;
	machine->turns = 0;
	machine->looked_ns = clock_boot_ns();
	assert_true(sd_event_new(&loop) >= 0);
	assert_int_equal(journal_source_new(&source, loop, &options, machine_on_event, machine), 0);
	while (stats.looks < looks) {
		assert_true(sd_event_run(loop, 20000000) > 0);
		journal_source_stats(source, &stats);
		machine->turns++;
	}
	journal_source_free(source);
	sd_event_unref(loop);
	if (ret)
		*ret = stats;
}

const struct event *machine_event(const struct machine *machine, enum event_type type,
				  enum milestone what)
{
	for (size_t i = 0; i < machine->count; i++)
		if (machine->events[i].type == type &&
		    (type != EVENT_MILESTONE || machine->events[i].milestone.what == what))
			return &machine->events[i];
	return NULL;
}
