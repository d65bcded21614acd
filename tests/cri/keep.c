/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `cri keep`: the kubelet's part for static pods, until it is stopped; the pods stay. Each line of the file is a pod
 * and its container, in the words of runp and create, with COMMAND behind --:
 *   name= namespace= uid= image= [parent=] [pull=always] [listen=PORT [period=S]] ... -- COMMAND
 * Each pod has a process of its own, which ends when the runtime refuses; it begins anew after a pause that doubles,
 * as the kubelet's back-off does.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cri/cri.h"

#define PODS_MAX   128
#define WORDS_MAX  64
#define BACKOFF_S  10
#define BACKOFFS_S 300

static struct kept {
	char *line;
	pid_t pid;
	uint64_t due_ns; /* of its next beginning */
	unsigned int pause_s;
} pods[PODS_MAX];

static int pod_count;
static volatile sig_atomic_t stopped;

static void on_term(int number)
{
	(void)number;
	stopped = 1;
}

static int read_pods(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!file) {
		perror(path);
		return 1;
	}
	while (pod_count < PODS_MAX && getline(&line, &size, file) > 0)
		if (strchr("#\n", *line) == NULL)
			pods[pod_count++].line = strdup(line);
	free(line);
	fclose(file);
	return 0;
}

/* The pod's line takes the place of the command line. */
static void take_line(char *line)
{
	static char *words[WORDS_MAX];
	struct arguments mine = {.words = words};
	char *word, *rest = line;
	bool command = false;

	while ((word = strsep(&rest, " \n")))
		if (strcmp(word, "--") == 0) {
			command = true;
			mine.command = words + mine.count;
		} else if (*word && mine.count + mine.command_count < WORDS_MAX) {
			words[mine.count + mine.command_count] = word;
			*(command ? &mine.command_count : &mine.count) += 1;
		}
	arguments = mine;
}

static void begin(struct kept *pod)
{
	pod->pid = fork();
	if (pod->pid != 0)
		return;
	signal(SIGTERM, SIG_DFL);
	take_line(pod->line);
	keep_pod();
}

static void ended(pid_t pid)
{
	for (int i = 0; i < pod_count; i++)
		if (pods[i].pid == pid) {
			pods[i].pid = 0;
			pods[i].pause_s = pods[i].pause_s ? pods[i].pause_s * 2 : BACKOFF_S;
			if (pods[i].pause_s > BACKOFFS_S)
				pods[i].pause_s = BACKOFFS_S;
			pods[i].due_ns = clock_boot_ns() + pods[i].pause_s * UINT64_C(1000000000);
		}
}

/* As a kubelet, which begins no pod before the runtime answers. A refused call ends its process. */
static void await_runtime(void)
{
	Cri__ListPodSandboxRequest request = CRI__LIST_POD_SANDBOX_REQUEST__INIT;
	int status = 1;

	while (!stopped && status != 0) {
		pid_t pid = fork();

		if (pid == 0) {
			signal(SIGTERM, SIG_DFL);
			CALL(CRI_RUNTIME "ListPodSandbox", request, list_pod_sandbox_response);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
			usleep(500000);
	}
}

int verb_keep(void)
{
	struct sigaction action = {.sa_handler = on_term};

	if (read_pods(required("file")))
		return 1;
	keep_log_open();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	await_runtime();
	/* no call in this process: a connection does not live through a fork */
	while (!stopped) {
		for (int i = 0; i < pod_count; i++)
			if (!pods[i].pid && pods[i].due_ns <= clock_boot_ns())
				begin(&pods[i]);
		for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
			ended(pid);
		usleep(50000);
	}
	for (int i = 0; i < pod_count; i++)
		if (pods[i].pid > 0)
			kill(pods[i].pid, SIGKILL);
	return 0;
}
