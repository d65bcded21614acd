/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives pods through CRI, as the kubelet would: `cri VERB [KEY=VALUE ...] [-- COMMAND ...]`.
 *
 * One verb a call; ids and JSON on stdout, one line on stderr and exit code 1 when the runtime
 * refuses. `cri bench` starts pods one after the other, or as many at a time as parallel= says,
 * and prints what the client waited for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cri/cri.h"

static const char usage[] =
	"usage: cri VERB [KEY=VALUE ...] [-- COMMAND ARGUMENT ...]\n"
	"  runp    name= namespace= uid= parent= [logs=DIR] [hostnet=1] [hostpid=1] [podpid=1] "
	"[runtime=HANDLER]\n"
	"  create  pod=ID name= image= [attempt=N] [memory=BYTES] [quota=US] "
	"[user=UID]\n"
	"          [mount=HOST:INSIDE[:ro][:slave]]... [env=K=V]... [args=1]\n"
	"          [confined=1 [cap=NAME]...]: as a pod with drop ALL and seccomp RuntimeDefault\n"
	"          [podname= namespace= uid= parent=] [podpid=1] -- COMMAND ...\n"
	"  start | rm id=ID      stop id=ID [timeout=S]      stopp | rmp id=ID\n"
	"  exec id=ID -- COMMAND ...      pull | rmi image=      images      inspect id=ID\n"
	"  ps      pods      version\n"
	"  keep file=PODS log=FILE [port=NAME]: a line of PODS is a pod, as a kubelet's static "
	"ones\n"
	"  bench count=N image= parent= [prefix=] [parallel=N] [hostnet=1] -- COMMAND ...\n"
	"socket: CRI_SOCKET in the environment\n";

struct arguments arguments;

const char *option_nth(const char *key, int nth)
{
	size_t length = strlen(key);

	for (int i = 0; i < arguments.count; i++)
		if (strncmp(arguments.words[i], key, length) == 0 &&
		    arguments.words[i][length] == '=' && nth-- == 0)
			return arguments.words[i] + length + 1;
	return NULL;
}

const char *option(const char *key, const char *otherwise)
{
	const char *value = option_nth(key, 0);

	return value ? value : otherwise;
}

char *required(const char *key)
{
	const char *value = option(key, NULL);

	if (!value) {
		fprintf(stderr, "cri: %s= is missing\n%s", key, usage);
		exit(2);
	}
	return (char *)value;
}

static int verb_runp(void)
{
	pod_describe(required("name"), (char *)option("namespace", "default"), required("uid"),
		     (char *)option("parent", ""));
	puts(pod_run());
	return 0;
}

static int verb_create(void)
{
	pod_describe((char *)option("podname", ""), (char *)option("namespace", "default"),
		     (char *)option("uid", ""), (char *)option("parent", ""));
	int count = atoi(option("count", "0"));
	char name[64];

	if (!count)
		puts(container_create(required("pod"), required("name"), required("image")));
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s-%d", required("name"), i);
		char *id = container_create(required("pod"), name, required("image"));

		puts(id);
		if (atoi(option("started", "0")))
			call_by_id("StartContainer", id, 0);
	}
	return 0;
}

static int verb_start(void)
{
	call_by_id("StartContainer", required("id"), 0);
	return 0;
}

static int verb_stop(void)
{
	call_by_id("StopContainer", required("id"), atoll(option("timeout", "10")));
	return 0;
}

static int verb_rm(void)
{
	call_by_id("RemoveContainer", required("id"), 0);
	return 0;
}

static int verb_stopp(void)
{
	call_by_id("StopPodSandbox", required("id"), 0);
	return 0;
}

static int verb_rmp(void)
{
	call_by_id("RemovePodSandbox", required("id"), 0);
	return 0;
}

static int verb_exec(void)
{
	Cri__ExecSyncRequest request = CRI__EXEC_SYNC_REQUEST__INIT;

	request.container_id = required("id");
	request.cmd = arguments.command;
	request.n_cmd = (size_t)arguments.command_count;
	request.timeout = 30;
	Cri__ExecSyncResponse *reply = CALL(CRI_RUNTIME "ExecSync", request, exec_sync_response);
	fwrite(reply->stdout.data, 1, reply->stdout.len, stdout);
	fwrite(reply->stderr.data, 1, reply->stderr.len, stderr);
	return reply->exit_code;
}

static int verb_pull(void)
{
	Cri__PullImageRequest request = CRI__PULL_IMAGE_REQUEST__INIT;
	Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;

	spec.image = required("image");
	request.image = &spec;
	Cri__PullImageResponse *reply = CALL(CRI_IMAGES "PullImage", request, pull_image_response);
	puts(reply->image_ref);
	return 0;
}

static int verb_rmi(void)
{
	Cri__RemoveImageRequest request = CRI__REMOVE_IMAGE_REQUEST__INIT;
	Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;

	spec.image = required("image");
	request.image = &spec;
	CALL(CRI_IMAGES "RemoveImage", request, empty_response);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} verbs[] = {
	{"runp", verb_runp},	   {"create", verb_create}, {"start", verb_start},
	{"stop", verb_stop},	   {"rm", verb_rm},	    {"stopp", verb_stopp},
	{"rmp", verb_rmp},	   {"exec", verb_exec},	    {"pull", verb_pull},
	{"ps", verb_ps},	   {"pods", verb_pods},	    {"inspect", verb_inspect},
	{"bench", verb_bench},	   {"rmi", verb_rmi},	    {"images", verb_images},
	{"version", verb_version}, {"keep", verb_keep},
};

static void read_arguments(int argc, char **argv)
{
	arguments.words = argv + 2;
	for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
		arguments.count++;
	if (arguments.count + 3 <= argc) {
		arguments.command = argv + 3 + arguments.count;
		arguments.command_count = argc - 3 - arguments.count;
	}
}

int main(int argc, char **argv)
{
	if (argc < 2 || !getenv("CRI_SOCKET")) {
		fputs(usage, stderr);
		return 2;
	}
	read_arguments(argc, argv);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0) {
			int code = verbs[i].run();

			fflush(stdout);
			cri_hang_up();
			return code;
		}
	fputs(usage, stderr);
	return 2;
}
