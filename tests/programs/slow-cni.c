/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CNI plugin that takes its time: sleeps as many ms as the file "delay" beside it says, and writes the ns that it took
 * into the file "took".
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static FILE *open_beside(const char *name, const char *mode)
{
	char self[4096], path[8192];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return NULL;
	self[length] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dirname(self), name);
	return fopen(path, mode);
}

static long long boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long delay_ms(void)
{
	FILE *file = open_beside("delay", "r");
	long ms = 0;

	if (file && fscanf(file, "%ld", &ms) != 1)
		ms = 0;
	if (file)
		fclose(file);
	return ms;
}

/* The previous plugin's result, passed on as it came. */
static void pass_on(char *config)
{
	char *result = strstr(config, "\"prevResult\":");
	int depth = 0;

	if (!result)
		return;
	result = strchr(result, '{');
	for (char *c = result; c && *c; c++) {
		depth += (*c == '{') - (*c == '}');
		if (depth == 0) {
			c[1] = '\0';
			break;
		}
	}
	if (result)
		puts(result);
}

int main(void)
{
	static char config[65536];
	const char *command = getenv("CNI_COMMAND");
	size_t length = fread(config, 1, sizeof(config) - 1, stdin);
	long ms = delay_ms();
	long long began = boot_ns();

	config[length] = '\0';
	if (!command || strcmp(command, "ADD") != 0)
		return 0;
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
	pass_on(config);
	FILE *took = open_beside("took", "w");
	if (took) {
		fprintf(took, "%lld\n", boot_ns() - began);
		fclose(took);
	}
	return 0;
}
