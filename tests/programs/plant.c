/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start whose causes are known: `plant STEP [ARGUMENT ...] STEP ... listen PORT`. Each step spends time on one thing
 * and stamps what that took by its own clocks: "STEP_wall" (CLOCK_BOOTTIME), "STEP_cpu" (its thread's CPU time),
 * "STEP_bytes" (what it brought in from disk) and "STEP_faults" (major ones). A step that comes twice is stamped twice.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS	  1000000u
#define PAGE	  4096
#define CHUNK	  (128 << 10)
#define STACK	  (64 << 10)
#define DNS_WAITS 5000 /* ms, as a resolver does */

static uint64_t entry_ns;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

__attribute__((constructor(101))) static void note_entry(void)
{
	entry_ns = clock_ns(CLOCK_BOOTTIME);
}

static void stamp(const char *what, const char *kind, uint64_t value)
{
	int fd = open("/stamps/stamps", O_WRONLY | O_CREAT | O_APPEND, 0644);

	if (fd < 0)
		return;
	dprintf(fd, "%s%s %llu\n", what, kind, (unsigned long long)value);
	close(fd);
}

_Noreturn static void give_up(const char *what)
{
	fprintf(stderr, "plant: %s: %s\n", what, strerror(errno));
	_exit(9);
}

static void pause_ms(long ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * MS};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static void burn_ms(long ms)
{
	uint64_t until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + (uint64_t)ms * MS;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		for (volatile int i = 0; i < 20000; i++)
			;
}

/* sleep MS */
static void do_sleep(char **argv)
{
	pause_ms(atol(argv[0]));
}

/* burn MS: of CPU time, however long that takes */
static void do_burn(char **argv)
{
	burn_ms(atol(argv[0]));
}

/* read FILE */
static void do_read(char **argv)
{
	static char buffer[CHUNK];
	int fd = open(argv[0], O_RDONLY);

	if (fd < 0)
		give_up(argv[0]);
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
}

static const volatile char *map(const char *path, size_t *ret_size)
{
	struct stat file;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &file) < 0)
		give_up(path);
	char *mapped = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);

	if (mapped == MAP_FAILED)
		give_up(path);
	close(fd);
	*ret_size = (size_t)file.st_size;
	return mapped;
}

/* mmap FILE: each page, first to last */
static void do_mmap(char **argv)
{
	size_t size;
	const volatile char *mapped = map(argv[0], &size);

	for (size_t at = 0; at < size; at += PAGE)
		(void)mapped[at];
	munmap((void *)mapped, size);
}

/* random FILE: each page once, in no order that reading ahead could guess */
static void do_random(char **argv)
{
	size_t size, page = 0;
	const volatile char *mapped = map(argv[0], &size);
	size_t pages = size / PAGE;

	madvise((void *)mapped, size, MADV_RANDOM);
	for (size_t i = 0; i < pages; i++) {
		page = (page + 7919) %
		       pages; /* a prime: all pages where their number is none of its multiples */
		(void)mapped[page * PAGE];
	}
	munmap((void *)mapped, size);
}

/* throttle PATTERN TEXT: a limit on reading, by files of its pod's cgroups */
static void do_throttle(char **argv)
{
	glob_t found;

	if (glob(argv[0], 0, NULL, &found) != 0)
		give_up(argv[0]);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int fd = open(found.gl_pathv[i], O_WRONLY);

		if (fd < 0 || dprintf(fd, "%s\n", argv[1]) < 0)
			give_up(found.gl_pathv[i]);
		close(fd);
	}
	globfree(&found);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t held;

static void *hold(void *burns)
{
	long ms = labs((long)(intptr_t)burns);

	pthread_mutex_lock(&mutex);
	pthread_barrier_wait(&held);
	if ((intptr_t)burns < 0)
		pause_ms(ms);
	else
		burn_ms(ms);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void wait_for_holder(intptr_t how)
{
	pthread_t holder;

	pthread_barrier_init(&held, NULL, 2);
	pthread_create(&holder, NULL, hold, (void *)how);
	pthread_barrier_wait(&held);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	pthread_join(holder, NULL);
}

/* mutex MS: which another thread holds while it sleeps */
static void do_mutex(char **argv)
{
	wait_for_holder(-atol(argv[0]));
}

/* busy-mutex MS: which another thread holds while it computes */
static void do_busy_mutex(char **argv)
{
	wait_for_holder(atol(argv[0]));
}

/* futex MS: FUTEX_WAIT, until another process wakes it */
static void do_futex(char **argv)
{
	uint32_t *word =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (fork() == 0) {
		pause_ms(atol(argv[0]));
		__atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
		_exit(0);
	}
	while (!__atomic_load_n(word, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
	wait(NULL);
}

static int open_to(const char *address, const char *port, int type, struct sockaddr_in *ret)
{
	int fd = socket(AF_INET, type, 0);

	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	if (fd < 0 || inet_pton(AF_INET, address, &ret->sin_addr) != 1)
		give_up(address);
	return fd;
}

/* Returns the connected socket, or -1 and errno. wait_ms 0: as long as the kernel tries. */
static int try_connect(const char *address, const char *port, long wait_ms)
{
	struct timeval limit = {wait_ms / 1000, wait_ms % 1000 * 1000};
	struct sockaddr_in to;
	int fd = open_to(address, port, SOCK_STREAM, &to);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* retry ADDRESS PORT EVERY_MS: until it is taken */
static void do_retry(char **argv)
{
	uint64_t failed = 0;
	int fd;

	while ((fd = try_connect(argv[0], argv[1], 0)) < 0) {
		failed++;
		pause_ms(atol(argv[2]));
	}
	close(fd);
	stamp("retry", "_failed", failed);
}

/* hang ADDRESS PORT WAIT_MS TIMES: to where nobody answers */
static void do_hang(char **argv)
{
	for (long i = 0; i < atol(argv[3]); i++)
		if (try_connect(argv[0], argv[1], atol(argv[2])) >= 0)
			give_up("somebody answered");
}

/* fetch ADDRESS PORT: to the end of what it sends */
static void do_fetch(char **argv)
{
	char buffer[PAGE];
	int fd = try_connect(argv[0], argv[1], 0);

	if (fd < 0)
		give_up(argv[0]);
	while (recv(fd, buffer, sizeof(buffer), 0) > 0)
		;
	close(fd);
}

/* dns ADDRESS PORT TIMES: asks for the address of "db.shop.svc", as a resolver does */
static void do_dns(char **argv)
{
	static const uint8_t question[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\2db\4shop\3svc\0\0\1\0\1";
	uint8_t answer[512];
	struct sockaddr_in to;
	uint64_t answers = 0;

	for (long i = 0; i < atol(argv[2]); i++) {
		int fd = open_to(argv[0], argv[1], SOCK_DGRAM | SOCK_NONBLOCK, &to);
		struct pollfd ready = {.fd = fd, .events = POLLIN};

		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		    send(fd, question, sizeof(question) - 1, 0) < 0)
			give_up(argv[0]);
		answers +=
			poll(&ready, 1, DNS_WAITS) == 1 && recv(fd, answer, sizeof(answer), 0) > 0;
		close(fd);
	}
	stamp("dns", "_answers", answers);
}

static int listen_on(const char *port)
{
	struct sockaddr_in address;
	int on = 1, fd = open_to("0.0.0.0", port, SOCK_STREAM, &address);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
		give_up("listen");
	return fd;
}

/* early PORT: listens, and goes on */
static void do_early(char **argv)
{
	listen_on(argv[0]);
	stamp("early", "", clock_ns(CLOCK_BOOTTIME));
}

/* listen PORT: for ever. Who used up its CPU limit may be kept within the call: it listens at some time between the two. */
static void do_listen(char **argv)
{
	uint64_t before = clock_ns(CLOCK_BOOTTIME);
	int fd = listen_on(argv[0]);
	uint64_t after = clock_ns(CLOCK_BOOTTIME);

	stamp("listen", "_before", before);
	stamp("listen", "", after);
	for (;;)
		close(accept(fd, NULL, NULL));
}

static void run(char **argv);

/* An idle thread: in a futex for ever, in epoll with a timer, or in short sleeps. */
static void *idle(void *number)
{
	struct epoll_event event;
	pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
	int epoll = epoll_create1(0);

	pthread_mutex_lock(&own);
	for (;;)
		switch ((intptr_t)number % 3) {
		case 0:
			pthread_cond_wait(&never, &own);
			break;
		case 1:
			epoll_wait(epoll, &event, 1, 100);
			break;
		default:
			pause_ms(50);
		}
	return NULL;
}

static void spawn_idle(long count)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	for (intptr_t i = 0; i < count; i++)
		pthread_create(&thread, &small, idle, (void *)i);
}

static void *load(void *argv)
{
	run(argv);
	return NULL;
}

/* crowd COUNT STEP ... [join STEP ...]: the steps by one thread more, for which the first waits */
static void do_crowd(char **argv)
{
	pthread_t loader;

	spawn_idle(atol(argv[0]));
	pthread_create(&loader, NULL, load, argv + 1);
	pthread_join(loader, NULL);
}

/* beside STEP ... join: the steps by one thread more, while the first goes on */
static void do_beside(char **argv)
{
	pthread_t thread;

	pthread_create(&thread, NULL, load, argv);
}

/* idle COUNT: threads beside the first, which goes on */
static void do_idle(char **argv)
{
	spawn_idle(atol(argv[0]));
}

static const struct step {
	const char *name;
	void (*run)(char **argv);
	int arguments;
	bool quiet; /* takes no time of its own */
} steps[] = {
	{"sleep", do_sleep, 1, false},
	{"burn", do_burn, 1, false},
	{"read", do_read, 1, false},
	{"mmap", do_mmap, 1, false},
	{"random", do_random, 1, false},
	{"mutex", do_mutex, 1, false},
	{"busy-mutex", do_busy_mutex, 1, false},
	{"futex", do_futex, 1, false},
	{"retry", do_retry, 3, false},
	{"hang", do_hang, 4, false},
	{"fetch", do_fetch, 2, false},
	{"dns", do_dns, 3, false},
	{"throttle", do_throttle, 2, true},
	{"idle", do_idle, 1, true},
	{"crowd", do_crowd, 1, true},
	{"beside", do_beside, 0, true},
	{"early", do_early, 1, true},
	{"listen", do_listen, 1, true},
};

static const struct step *find(const char *name)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (strcmp(name, steps[i].name) == 0)
			return &steps[i];
	fprintf(stderr, "plant: no such step: %s\n", name);
	_exit(125);
}

static void run_step(const struct step *step, char **argv)
{
	struct rusage before, after;
	uint64_t wall = clock_ns(CLOCK_BOOTTIME), cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	getrusage(RUSAGE_THREAD, &before);
	step->run(argv);
	wall = clock_ns(CLOCK_BOOTTIME) - wall;
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	if (step->quiet)
		return;
	getrusage(RUSAGE_THREAD, &after);
	stamp(step->name, "_wall", wall);
	stamp(step->name, "_cpu", cpu);
	stamp(step->name, "_bytes", (uint64_t)(after.ru_inblock - before.ru_inblock) * 512);
	stamp(step->name, "_faults", (uint64_t)(after.ru_majflt - before.ru_majflt));
}

static void run(char **argv)
{
	while (*argv && strcmp(*argv, "join") != 0) {
		const struct step *step = find(*argv);

		run_step(step, argv + 1);
		argv += 1 + step->arguments;
		if (step->run == do_crowd || step->run == do_beside) { /* the other had these */
			while (*argv && strcmp(*argv, "join") != 0)
				argv++;
			argv += *argv != NULL;
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 125;
	stamp("entry", "", entry_ns);
	run(argv + 1);
	return 0;
}
