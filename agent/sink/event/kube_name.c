/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/event/kube_name.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool edge(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool label(const char *text, size_t length)
{
	if (length == 0 || !edge(text[0]) || !edge(text[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!edge(text[i]) && text[i] != '-')
			return false;
	return true;
}

bool kube_name_valid_label(const char *name)
{
	size_t length = strlen(name);

	return length <= 63 && label(name, length);
}

bool kube_name_valid(const char *name)
{
	if (strlen(name) >= KUBE_NAME_SIZE)
		return false;
	for (;;) {
		size_t length = strcspn(name, ".");

		if (!label(name, length))
			return false;
		if (!name[length])
			return true;
		name += length + 1;
	}
}

int kube_name_of_node(const char *given, char ret[static KUBE_NAME_SIZE])
{
	char name[KUBE_NAME_SIZE] = "";

	if (given && *given) {
		if (!kube_name_valid(given))
			return -EINVAL;
		snprintf(ret, KUBE_NAME_SIZE, "%s", given);
		return 0;
	}
	if (gethostname(name, sizeof(name) - 1) < 0)
		return -errno;
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!kube_name_valid(name))
		return -EINVAL;
	memcpy(ret, name, sizeof(name));
	return 0;
}
