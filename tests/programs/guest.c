/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's end of the wire to tests/boot/wire.py: a port of virtio-serial. It needs neither network nor
 * login, so it answers before the network is up and until the machine goes down.
 *
 * It says "hello BOOT_ID\n" when it begins. A request is "ID SECONDS SCRIPT_BYTES INPUT_BYTES\n", the script for
 * sh and its standard input; the answer "ID CODE BYTES\n" and what it wrote to stdout and stderr. CODE is 128 + the
 * signal's number if it was killed, which it is after SECONDS. SECONDS 0: it is started, and nothing is answered.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORTS	  "/sys/class/virtio-ports"
#define LINE_SIZE 128

static int port = -1;

/* The port's device, by the name that the machine was given. */
static int open_port(const char *name)
{
	char path[512], found[64] = "";
	DIR *dir = opendir(PORTS);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		snprintf(path, sizeof(path), PORTS "/%s/name", entry->d_name);
		FILE *file = fopen(path, "re");

		if (file && fscanf(file, "%63s", found) == 1 && strcmp(found, name) == 0) {
			fclose(file);
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			closedir(dir);
			return open(path, O_RDWR | O_CLOEXEC);
		}
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
	errno = ENODEV;
	return -1;
}

static void send_all(const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(port, bytes, size);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			exit(1);
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
}

/* The port reads as ended while nobody holds its other end. */
static void receive_all(char *bytes, size_t size)
{
	while (size) {
		ssize_t n = read(port, bytes, size);

		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		} else if (n == 0) {
			usleep(100000);
		} else if (errno != EINTR && errno != EAGAIN) {
			exit(1);
		}
	}
}

static void receive_line(char line[LINE_SIZE])
{
	size_t length = 0;

	for (char c; receive_all(&c, 1), c != '\n';)
		if (length + 1 < LINE_SIZE)
			line[length++] = c;
	line[length] = '\0';
}

static void say_hello(void)
{
	char id[64] = "", line[LINE_SIZE];
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!file || fscanf(file, "%63s", id) != 1)
		exit(1);
	fclose(file);
	send_all(line, (size_t)snprintf(line, sizeof(line), "hello %s\n", id));
}

static int memory_file(size_t size)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	char block[65536];

	if (fd < 0)
		exit(1);
	while (size) {
		size_t part = size < sizeof(block) ? size : sizeof(block);

		receive_all(block, part);
		if (write(fd, block, part) != (ssize_t)part)
			exit(1);
		size -= part;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static pid_t run(char *script, int input, int output)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setsid();
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execl("/bin/sh", "sh", "-c", script, (char *)NULL);
	_exit(127);
}

/* Its exit code; its session is killed when the time is over. */
static int wait_for(pid_t pid, unsigned int seconds)
{
	struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	int status = 0;

	if (ended.fd < 0 || poll(&ended, 1, (int)seconds * 1000) <= 0)
		kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (ended.fd >= 0)
		close(ended.fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void answer(const char *id, int code, int output)
{
	char line[LINE_SIZE], block[65536];
	ssize_t size = lseek(output, 0, SEEK_END);

	send_all(line, (size_t)snprintf(line, sizeof(line), "%s %d %zd\n", id, code, size));
	for (off_t at = 0; at < size;) {
		/* what its children still write is not part of it */
		size_t part =
			(size_t)(size - at) < sizeof(block) ? (size_t)(size - at) : sizeof(block);
		ssize_t n = pread(output, block, part, at);

		if (n <= 0)
			exit(1);
		send_all(block, (size_t)n);
		at += n;
	}
}

static void serve(void)
{
	char line[LINE_SIZE], id[32];
	unsigned int seconds;
	size_t script_size, input_size;

	receive_line(line);
	if (sscanf(line, "%31s %u %zu %zu", id, &seconds, &script_size, &input_size) != 4)
		return;
	char *script = calloc(1, script_size + 1);

	if (!script)
		exit(1);
	receive_all(script, script_size);
	int input = memory_file(input_size), output = memory_file(0);
	pid_t pid = run(script, input, output);

	if (seconds)
		answer(id, pid < 0 ? 126 : wait_for(pid, seconds), output);
	close(input);
	close(output);
	free(script);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "guest";

	/* the driver may be later than this program */
	for (int tries = 0; (port = open_port(name)) < 0; tries++) {
		if (tries == 600) {
			perror("guest");
			return 1;
		}
		usleep(100000);
	}
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	say_hello();
	for (;;)
		serve();
}
