/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one program in the test images: `cast WHAT [ARGUMENT ...]`. Static, and with a clock of its
 * own: where STAMPS names a file, it writes "entry NS" and "listen NS" (CLOCK_BOOTTIME) there, and how long it had
 * waited for a CPU by its entry, "waited NS" (runc's part of its life included), which it read as "looked" bytes.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "start.h"

static uint64_t entry_ns, waited_ns, looked_bytes;

/* The second figure of /proc/self/schedstat, of "looked" bytes; 0 where there is none. */
static uint64_t waited_for_cpu(void)
{
	char text[64] = "";
	int fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t length = read(fd, text, sizeof(text) - 1);
	const char *second = length > 0 ? strchr(text, ' ') : NULL;

	looked_bytes = length > 0 ? (uint64_t)length : 0;
	close(fd);
	return second ? strtoull(second, NULL, 10) : 0;
}

__attribute__((constructor(101))) static void note_entry(void)
{
	entry_ns = boot_ns();
	waited_ns = waited_for_cpu();
}

static long number(char **argv, int index, long otherwise)
{
	for (int i = 0; i <= index; i++)
		if (!argv[i])
			return otherwise;
	return strtol(argv[index], NULL, 10);
}

static int listen_on(long port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t before = boot_ns(), after;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
		exit(9);
	after = boot_ns();
	stamp("listen_before", before);
	stamp("listen", after);
	return fd;
}

/* listen PORT DELAY_MS */
static int do_listen(char **argv)
{
	pause_ms(number(argv, 1, 0));

	int fd = listen_on(number(argv, 0, 8080));

	/* takes what comes: else 17 probes fill its queue, and the next ones fail */
	while (fd >= 0)
		close(accept(fd, NULL, NULL));
	return 9;
}

/* listen-burn PORT MS: it listens at once, and then a child computes for that long; only then it would be able to answer */
static int do_listen_burn(char **argv)
{
	int fd = listen_on(number(argv, 0, 8080));
	uint64_t end_ns = boot_ns() + (uint64_t)number(argv, 1, 1000) * 1000000;

	if (fork() == 0) {
		while (boot_ns() < end_ns)
			;
		_exit(0);
	}
	while (fd >= 0)
		close(accept(fd, NULL, NULL));
	return 9;
}

/* burn PORT MS: computes for so much time of a CPU, then listens */
static int do_burn(char **argv)
{
	clock_t end = clock() + number(argv, 1, 1000) * (CLOCKS_PER_SEC / 1000);

	while (clock() < end)
		;
	return do_listen((char *[]){argv[0], NULL});
}

static uint64_t load_by_read(int fd, int flags)
{
	static char buffer[1 << 20] __attribute__((aligned(4096)));
	uint64_t bytes = 0;
	ssize_t size;

	if (flags)
		fcntl(fd, F_SETFL, flags);
	while ((size = read(fd, buffer, sizeof(buffer))) > 0)
		bytes += (uint64_t)size;
	return bytes;
}

static uint64_t load_by_mmap(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	volatile const char *at = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (at == MAP_FAILED)
		exit(9);
	for (off_t i = 0; i < size; i += 4096)
		(void)at[i];
	return (uint64_t)size;
}

static uint64_t load_each(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	uint64_t bytes = 0;

	while (directory && (entry = readdir(directory))) {
		int fd = openat(dirfd(directory), entry->d_name, O_RDONLY);

		if (*entry->d_name != '.' && fd >= 0)
			bytes += load_by_read(fd, 0);
		close(fd);
	}
	return bytes;
}

/*
 * load read|mmap|direct|child|each FILE [PORT]: all of the file, or of each in a directory, "bytes" long,
 * "from" … "to"; then listens, or ends with 0.
 */
static int do_load(char **argv)
{
	uint64_t bytes, from = boot_ns();
	int fd = open(argv[1], O_RDONLY), status;

	if (fd < 0)
		exit(8);
	if (strcmp(argv[0], "child") == 0) { /* and it stays */
		int done[2];

		if (pipe(done) == 0 && fork() == 0) {
			bytes = load_by_read(fd, 0);
			if (write(done[1], &bytes, sizeof(bytes)) < 0)
				exit(9);
			forever();
		}
		if (read(done[0], &bytes, sizeof(bytes)) != sizeof(bytes))
			exit(9);
	} else if (strcmp(argv[0], "each") == 0) {
		bytes = load_each(argv[1]);
	} else if (strcmp(argv[0], "mmap") == 0) {
		bytes = load_by_mmap(fd);
	} else {
		bytes = load_by_read(fd, strcmp(argv[0], "direct") == 0 ? O_DIRECT : 0);
	}
	stamp("from", from);
	stamp("to", boot_ns());
	stamp("bytes", bytes);
	status = argv[2] ? listen_on(number(argv, 2, 8080)) : 0;
	if (argv[2])
		forever();
	return status;
}

/* Connects; where wait_ms is not 0, without blocking, and gives up after that. Returns the error. */
static int try_connect(const struct sockaddr_storage *address, socklen_t size, long wait_ms)
{
	int fd = socket(address->ss_family, SOCK_STREAM | (wait_ms ? SOCK_NONBLOCK : 0), 0);
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int error = connect(fd, (const struct sockaddr *)address, size) < 0 ? errno : 0;
	socklen_t length = sizeof(error);

	if (error == EINPROGRESS) {
		if (poll(&ready, 1, (int)wait_ms) == 0)
			error = ETIMEDOUT;
		else
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	}
	close(fd);
	return error;
}

/*
 * retry ADDRESS PORT EVERY_MS FOR_MS [THEN_LISTEN_PORT [WAIT_MS [LISTEN_AFTER_MS]]]: connects until it
 * succeeds or the time is over, then listens, or ends with 0 if it could connect. "failed" is how often in
 * vain, "error" the last reason, "longest" how long the longest took; "first" and "first_over", "last_begun" and "last"
 * are the times before and after the first and the last failure, "connected" is that of the success.
 */
static int do_retry(char **argv)
{
	uint64_t first = boot_ns(), begun = first, first_over = 0, last_begun = 0, last = 0,
		 longest = 0, failed = 0;
	struct sockaddr_storage address;
	socklen_t size;
	int error, last_error = 0;

	if (!argv[0] || !argv[1])
		return 9;
	size = parse(argv[0], (uint16_t)number(argv, 1, 0), &address);
	while ((error = try_connect(&address, size, number(argv, 5, 0))) != 0) {
		last = boot_ns();
		last_begun = begun;
		last_error = error;
		if (failed++ == 0)
			first_over = last;
		if (last - begun > longest)
			longest = last - begun;
		if (last - first >= (uint64_t)number(argv, 3, 0) * 1000000u)
			break;
		pause_ms(number(argv, 2, 100));
		begun = boot_ns();
	}
	stamp("first", first);
	stamp("first_over", first_over);
	stamp("last_begun", last_begun);
	stamp("last", last);
	stamp("longest", longest);
	stamp("error", (uint64_t)last_error);
	stamp("failed", failed);
	if (!error)
		stamp("connected", boot_ns());
	if (!number(argv, 4, 0))
		return error != 0;
	pause_ms(number(argv, 6, 0));
	listen_on(number(argv, 4, 0));
	forever();
	return 0;
}

/* listen-retry PORT ADDRESS PORT EVERY_MS FOR_MS ...: listens first */
static int do_listen_retry(char **argv)
{
	listen_on(number(argv, 0, 8080));
	return do_retry(argv + 1);
}

/* exit CODE AFTER_MS */
static int do_exit(char **argv)
{
	pause_ms(number(argv, 1, 0));
	return (int)number(argv, 0, 0);
}

static int do_segv(char **argv)
{
	pause_ms(number(argv, 0, 0));
	*(volatile int *)(uintptr_t)0xdead000 = 1;
	return 0;
}

static int do_abort(char **argv)
{
	pause_ms(number(argv, 0, 0));
	abort();
}

static void eat(void)
{
	for (;;) {
		char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (block == MAP_FAILED)
			_exit(8);
		memset(block, 1, 1 << 20);
	}
}

static void on_term(int number)
{
	(void)number;
	_exit(0);
}

/* polite: ends with 0 on SIGTERM */
static int do_polite(char **argv)
{
	(void)argv;
	signal(SIGTERM, on_term);
	forever();
	return 0;
}

/* hold MEGABYTES: keeps so much memory; ends with 0 on SIGTERM */
static int do_hold(char **argv)
{
	size_t bytes = (size_t)number(argv, 0, 1) << 20;
	void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return block == MAP_FAILED ? 8 : do_polite(argv);
}

/* fill FILE MEGABYTES: writes so much; ends with 0 on SIGTERM */
static int do_fill(char **argv)
{
	static char block[1 << 20];
	int fd = open(argv[0], O_WRONLY | O_CREAT, 0600);

	for (long i = number(argv, 1, 1); i > 0; i--)
		if (write(fd, block, sizeof(block)) < 0)
			return 8;
	return do_polite(argv);
}

/* eat AFTER_MS: the first process itself */
static int do_eat(char **argv)
{
	pause_ms(number(argv, 0, 0));
	eat();
	return 0;
}

/* eat-child AFTER_MS TIMES EVERY_MS: children, which the first process outlives */
static int do_eat_child(char **argv)
{
	long times = number(argv, 1, 1);

	pause_ms(number(argv, 0, 0));
	for (long i = 0; i < times; i++) {
		pid_t pid = fork();

		if (pid == 0)
			eat();
		stamp("child", (uint64_t)pid);
		waitpid(pid, NULL, 0);
		pause_ms(number(argv, 2, 0));
	}
	forever();
	return 0;
}

/* one killed child after another, until end; counted where the first process reads it, if this one is killed too */
static _Noreturn void flood(uint64_t end, uint64_t *kills)
{
	int status, adj = open("/proc/self/oom_score_adj", O_WRONLY);

	if (adj < 0 || write(adj, "1000", 4) != 4) /* before the first process */
		_exit(8);
	while (boot_ns() < end) {
		pid_t pid = fork();

		if (pid == 0)
			eat();
		if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
			++*kills;
	}
	_exit(0);
}

/*
 * eat-flood SECONDS: children killed for memory as fast as it goes; how many is stamped as "kills". The first process
 * asks for no memory meanwhile: once a killed child's memory is given back it is no victim any more, and who forks may
 * be the next.
 */
static int do_eat_flood(char **argv)
{
	uint64_t end = boot_ns() + (uint64_t)number(argv, 0, 5) * 1000000000u;
	uint64_t *kills = mmap(NULL, sizeof(*kills), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	if (kills == MAP_FAILED)
		return 8;
	while (boot_ns() < end) {
		if (fork() == 0)
			flood(end, kills);
		while (waitpid(-1, &status, 0) > 0)
			if (WIFSIGNALED(status))
				++*kills;
	}
	stamp("kills", *kills);
	forever();
	return 0;
}

/* storm SECONDS: as many processes as the machine makes */
static int do_storm(char **argv)
{
	uint64_t end = boot_ns() + (uint64_t)number(argv, 0, 5) * 1000000000u, forks = 0;

	while (boot_ns() < end) {
		pid_t pid = fork();

		if (pid == 0)
			_exit((int)(forks & 1));
		if (pid > 0)
			forks++;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	stamp("forks", forks);
	return 0;
}

/* deaf: ignores SIGTERM */
static int do_deaf(char **argv)
{
	(void)argv;
	signal(SIGTERM, SIG_IGN);
	forever();
	return 0;
}

static int do_sleep(char **argv)
{
	pause_ms(number(argv, 0, 1000));
	return 0;
}

/* pause: the sandbox's program */
static int do_pause(char **argv)
{
	(void)argv;
	signal(SIGTERM, on_term);
	forever();
	return 0;
}

/* scan COUNT CODE: that many connections that are refused, each of another address of 127.0.0.0/8; then the end */
static int do_scan(char **argv)
{
	long count = number(argv, 0, 1);

	for (long i = 0; i < count; i++) {
		struct sockaddr_in address = {
			.sin_family = AF_INET,
			.sin_port = htons(9),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 0x10000u + (uint32_t)i),
		};
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return 9; /* somebody is there */
		close(fd);
	}
	return (int)number(argv, 1, 0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **argv);
	} parts[] = {
		{"listen", do_listen},	     {"listen-burn", do_listen_burn},
		{"burn", do_burn},	     {"load", do_load},
		{"retry", do_retry},	     {"listen-retry", do_listen_retry},
		{"exit", do_exit},	     {"segv", do_segv},
		{"abort", do_abort},	     {"eat", do_eat},
		{"eat-child", do_eat_child}, {"eat-flood", do_eat_flood},
		{"storm", do_storm},	     {"deaf", do_deaf},
		{"polite", do_polite},	     {"sleep", do_sleep},
		{"pause", do_pause},	     {"hold", do_hold},
		{"fill", do_fill},	     {"scan", do_scan},
	};
	const char *base = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];

	if (strcmp(base, "pause") == 0)
		return do_pause(argv);
	if (argc < 2)
		return 0; /* true */
	stamp("waited", waited_ns);
	stamp("looked", looked_bytes);
	stamp("entry", entry_ns);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (strcmp(argv[1], parts[i].name) == 0)
			return parts[i].run(argv + 2);
	return 125;
}
