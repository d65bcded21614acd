/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was done for the pods, one line of JSON each, on the boot clock: to the file log=, and to the port of
 * virtio-serial whose device is port=, if there is one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cri/cri.h"

static int outputs[2] = {-1, -1};
static char boot_id[64];

void keep_log_open(void)
{
	const char *port = option("port", "");
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!file || fscanf(file, "%63s", boot_id) != 1)
		perror("cri: boot id");
	if (file)
		fclose(file);
	outputs[0] = open(required("log"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (*port)
		outputs[1] = open(port, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

void keep_log(const char *what, const char *detail)
{
	json_t *json = json_pack("{s:I s:s s:s s:s s:s s:s s:s}", "boot_ns",
				 (json_int_t)clock_boot_ns(), "boot", boot_id, "namespace",
				 option("namespace", "default"), "pod", option("name", ""), "uid",
				 option("uid", ""), "what", what, "detail", detail);
	char *text = json_dumps(json, JSON_COMPACT), *line = NULL;
	int length = text ? asprintf(&line, "%s\n", text) : -1;

	for (int i = 0; i < 2 && length > 0; i++)
		if (outputs[i] >= 0 && write(outputs[i], line, (size_t)length) < 0 && i == 0)
			perror("cri: log");
	free(line);
	free(text);
	json_decref(json);
}
