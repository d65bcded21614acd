/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/systemd_private.h"

/* A property that is wanted: where it goes, NULL to for Unit.After. */
struct property {
	const char *name;
	uint64_t *to;
	char ***list;
};

static const struct property *find(const struct property *wanted, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(wanted[i].name, name) == 0)
			return &wanted[i];
	return NULL;
}

static int read_value(sd_bus_message *reply, const struct property *property)
{
	if (!property)
		return sd_bus_message_skip(reply, "v");
	if (property->to)
		return sd_bus_message_read(reply, "v", "t", property->to);

	int r = sd_bus_message_enter_container(reply, 'v', "as");

	/* named twice, it would leak */
	if (r <= 0 || *property->list)
		return -EBADMSG;
	r = sd_bus_message_read_strv(reply, property->list);
	return r < 0 ? r : sd_bus_message_exit_container(reply);
}

/* The answer of Properties.GetAll. */
static int read_properties(sd_bus_message *reply, const struct property *wanted, size_t count)
{
	int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

	if (r <= 0)
		return -EBADMSG;
	while ((r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
		const char *name;

		r = sd_bus_message_read(reply, "s", &name);
		if (r > 0)
			r = read_value(reply, find(wanted, count, name));
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
		if (r < 0)
			break;
	}
	return r == -ENOMEM ? r : r < 0 ? -EBADMSG : 0;
}

int systemd_decode_manager(sd_bus_message *reply, struct systemd_manager *ret)
{
	struct systemd_manager manager = {0};
	const struct property wanted[] = {
		{"FirmwareTimestampMonotonic", &manager.firmware_us, NULL},
		{"LoaderTimestampMonotonic", &manager.loader_us, NULL},
		{"InitRDTimestampMonotonic", &manager.initrd_us, NULL},
		{"UserspaceTimestampMonotonic", &manager.userspace_us, NULL},
		{"FinishTimestampMonotonic", &manager.finish_us, NULL},
	};
	int r = read_properties(reply, wanted, sizeof(wanted) / sizeof(*wanted));

	if (r < 0)
		return r;
	/* no systemd is without it: this is something else */
	if (!manager.userspace_us)
		return -EBADMSG;
	*ret = manager;
	return 0;
}

int systemd_decode_list(sd_bus_message *reply, systemd_listed_fn on_listed, void *context)
{
	struct systemd_listed unit;
	int r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");

	if (r <= 0)
		return -EBADMSG;
	/* name, description, load, active, sub, followed, path, job id, job type, job path */
	while ((r = sd_bus_message_read(reply, "(ssssssouso)", &unit.name, NULL, &unit.load_state,
					&unit.active_state, &unit.sub_state, NULL, NULL, NULL, NULL,
					NULL)) > 0)
		on_listed(context, &unit);
	return r < 0 ? -EBADMSG : 0;
}

int systemd_decode_unit(sd_bus_message *reply, struct systemd_unit *ret)
{
	struct systemd_unit unit = {0};
	char **after = NULL;
	const struct property wanted[] = {
		{"InactiveExitTimestampMonotonic", &unit.inactive_exit_us, NULL},
		{"ActiveEnterTimestampMonotonic", &unit.active_enter_us, NULL},
		{"ActiveExitTimestampMonotonic", &unit.active_exit_us, NULL},
		{"InactiveEnterTimestampMonotonic", &unit.inactive_enter_us, NULL},
		{"After", NULL, &after},
	};
	int r = read_properties(reply, wanted, sizeof(wanted) / sizeof(*wanted));

	if (r == 0 && !after) {
		after = calloc(1, sizeof(*after));
		r = after ? 0 : -ENOMEM;
	}
	unit.after = after;
	if (r < 0)
		systemd_free_after(&unit);
	else
		*ret = unit;
	return r;
}

void systemd_free_after(struct systemd_unit *unit)
{
	for (char *const *name = unit->after; name && *name; name++)
		free(*name);
	free((void *)unit->after);
	unit->after = NULL;
}

int systemd_decode_result(sd_bus_message *reply, const char **ret)
{
	const char *result;

	if (sd_bus_message_read(reply, "v", "s", &result) <= 0)
		return -EBADMSG;
	*ret = result;
	return 0;
}
