// SPDX-License-Identifier: Apache-2.0
/* containerd's envelopes as events: each topic's fields, what is no news, and what is cut or bent. */
#include "source/containerd/containerd_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "containerd.pb-c.h"

/* The machine booted at this wall time. */
#define BOOT_WALL_S INT64_C(1700000000)
#define OFFSET_NS   (BOOT_WALL_S * INT64_C(1000000000))
#define WRAP_S	    INT64_C(18446744073) /* so many seconds are 2^64 ns, but for one */

static Containerd__Timestamp at(int64_t seconds, int32_t nanos)
{
	Containerd__Timestamp stamp = CONTAINERD__TIMESTAMP__INIT;

	stamp.seconds = BOOT_WALL_S + seconds;
	stamp.nanos = nanos;
	return stamp;
}

struct packed {
	uint8_t *data;
	size_t size;
};

static struct packed pack(const ProtobufCMessage *message)
{
	struct packed packed = {.size = protobuf_c_message_get_packed_size(message)};

	packed.data = malloc(packed.size + 1);
	assert_non_null(packed.data);
	protobuf_c_message_pack(message, packed.data);
	return packed;
}

/* An envelope of that type around body, stamped 5.000000007 s after boot. */
static struct packed envelope_of(const char *type, const ProtobufCMessage *body)
{
	Containerd__Envelope envelope = CONTAINERD__ENVELOPE__INIT;
	Containerd__Timestamp stamp = at(5, 7);
	Containerd__Any any = CONTAINERD__ANY__INIT;
	struct packed value = pack(body);

	any.type_url = (char *)type;
	any.value.data = value.data;
	any.value.len = value.size;
	envelope.timestamp = &stamp;
	envelope.namespace_ = (char *)"k8s.io";
	envelope.event = &any;
	struct packed packed = pack(&envelope.base);

	free(value.data);
	return packed;
}

static enum containerd_wire_result decode(const char *type, const ProtobufCMessage *body,
					  struct event *ret)
{
	struct packed packed = envelope_of(type, body);
	enum containerd_wire_result result;

	memset(ret, 0, sizeof(*ret));
	result = containerd_wire_decode(packed.data, packed.size, OFFSET_NS, ret);
	free(packed.data);
	return result;
}

#define DECODE(type, body, ret) \
	assert_int_equal(decode(type, &(body).base, ret), CONTAINERD_WIRE_EVENT)

static void a_created_container_has_id_image_and_time(void **state)
{
	Containerd__ContainerCreate created = CONTAINERD__CONTAINER_CREATE__INIT;
	struct event event;

	(void)state;
	created.id = (char *)"c1";
	created.image = (char *)"img:1";
	DECODE("containerd.events.ContainerCreate", created, &event);
	assert_int_equal(event.type, EVENT_CONTAINER);
	assert_int_equal(event.boot_ns, 5000000007);
	assert_int_equal(event.container.created_ns, 5000000007);
	assert_string_equal(event.container.container_id, "c1");
	assert_string_equal(event.container.image, "img:1");
}

static Containerd__ContainerUpdate__LabelsEntry label(const char *key, const char *value)
{
	Containerd__ContainerUpdate__LabelsEntry entry =
		CONTAINERD__CONTAINER_UPDATE__LABELS_ENTRY__INIT;

	entry.key = (char *)key;
	entry.value = (char *)value;
	return entry;
}

static void a_sandbox_update_names_its_pod(void **state)
{
	Containerd__ContainerUpdate updated = CONTAINERD__CONTAINER_UPDATE__INIT;
	Containerd__ContainerUpdate__LabelsEntry labels[] = {
		label("io.kubernetes.pod.name", "web"),
		label("io.kubernetes.pod.namespace", "shop"),
		label("io.kubernetes.pod.uid", "u-1"),
		label("io.cri-containerd.kind", "sandbox"),
	};
	Containerd__ContainerUpdate__LabelsEntry *list[] = {&labels[0], &labels[1], &labels[2],
							    &labels[3]};
	struct event event;

	(void)state;
	updated.id = (char *)"s1";
	updated.labels = list;
	updated.n_labels = 4;
	DECODE("containerd.events.ContainerUpdate", updated, &event);
	assert_int_equal(event.type, EVENT_CONTAINER);
	assert_int_equal(event.container.created_ns, 0);
	assert_string_equal(event.container.container_id, "s1");
	assert_string_equal(event.container.sandbox_id, "s1");
	assert_string_equal(event.container.pod, "web");
	assert_string_equal(event.container.pod_namespace, "shop");
	assert_string_equal(event.container.pod_uid, "u-1");
	/* a container's own update must not make a sandbox of it */
	labels[3].value = (char *)"container";
	assert_int_equal(decode("containerd.events.ContainerUpdate", &updated.base, &event),
			 CONTAINERD_WIRE_NO_EVENT);
	/* one without labels, or of no pod, is no news */
	labels[3].value = (char *)"sandbox";
	labels[0].value = (char *)"";
	assert_int_equal(decode("containerd.events.ContainerUpdate", &updated.base, &event),
			 CONTAINERD_WIRE_NO_EVENT);
	updated.n_labels = 0;
	assert_int_equal(decode("containerd.events.ContainerUpdate", &updated.base, &event),
			 CONTAINERD_WIRE_NO_EVENT);
}

static void an_exit_has_its_own_time(void **state)
{
	Containerd__TaskExit exited = CONTAINERD__TASK_EXIT__INIT;
	Containerd__Timestamp stamp = at(4, 999999999);
	struct event event;

	(void)state;
	exited.container_id = (char *)"c1";
	exited.id = (char *)"exec-1";
	exited.pid = 42;
	exited.exit_status = 137;
	exited.exited_at = &stamp;
	DECODE("containerd.events.TaskExit", exited, &event);
	assert_int_equal(event.type, EVENT_TASK);
	assert_int_equal(event.task.step, TASK_EXIT);
	assert_int_equal(event.boot_ns, 5000000007);
	assert_int_equal(event.task.exited_ns, 4999999999);
	assert_int_equal(event.task.pid, 42);
	assert_int_equal(event.task.exit_status, 137);
	assert_string_equal(event.task.container_id, "c1");
	assert_string_equal(event.task.exec_id, "exec-1");
}

static void a_deletion_has_the_exit_again(void **state)
{
	Containerd__TaskDelete deleted = CONTAINERD__TASK_DELETE__INIT;
	Containerd__Timestamp stamp = at(4, 1);
	struct event event;

	(void)state;
	deleted.container_id = (char *)"c1";
	deleted.pid = 42;
	deleted.exit_status = 3;
	deleted.exited_at = &stamp;
	DECODE("containerd.events.TaskDelete", deleted, &event);
	assert_int_equal(event.task.step, TASK_DELETE);
	assert_int_equal(event.task.exit_status, 3);
	assert_int_equal(event.task.exited_ns, 4000000001);
	assert_string_equal(event.task.exec_id, "");
}

static void tasks_are_told_apart(void **state)
{
	Containerd__TaskCreate created = CONTAINERD__TASK_CREATE__INIT;
	Containerd__TaskStart started = CONTAINERD__TASK_START__INIT;
	Containerd__TaskOf of = CONTAINERD__TASK_OF__INIT;
	struct event event;

	(void)state;
	created.container_id = started.container_id = of.container_id = (char *)"c1";
	created.bundle = (char *)"/run/x";
	created.pid = 7;
	started.pid = 8;
	DECODE("containerd.events.TaskCreate", created, &event);
	assert_int_equal(event.task.step, TASK_CREATE);
	assert_int_equal(event.task.pid, 7);
	DECODE("containerd.events.TaskStart", started, &event);
	assert_int_equal(event.task.step, TASK_START);
	assert_int_equal(event.task.pid, 8);
	DECODE("containerd.events.TaskOOM", of, &event);
	assert_int_equal(event.task.step, TASK_OOM);
}

static void a_snapshot_is_a_containers_or_a_layers(void **state)
{
	Containerd__SnapshotPrepare prepared = CONTAINERD__SNAPSHOT_PREPARE__INIT;
	Containerd__SnapshotCommit committed = CONTAINERD__SNAPSHOT_COMMIT__INIT;
	struct event event;

	(void)state;
	prepared.key = (char *)"c1";
	prepared.parent = (char *)"sha256:base";
	DECODE("containerd.events.SnapshotPrepare", prepared, &event);
	assert_int_equal(event.snapshot.step, SNAPSHOT_PREPARE);
	assert_string_equal(event.snapshot.container_id, "c1");
	assert_string_equal(event.snapshot.chain, "");
	assert_string_equal(event.snapshot.parent, "sha256:base");

	prepared.key = (char *)"extract-123-abc sha256:layer";
	DECODE("containerd.events.SnapshotPrepare", prepared, &event);
	assert_string_equal(event.snapshot.container_id, "");
	assert_string_equal(event.snapshot.chain, "sha256:layer");

	committed.key = prepared.key;
	committed.name = (char *)"sha256:layer";
	DECODE("containerd.events.SnapshotCommit", committed, &event);
	assert_int_equal(event.snapshot.step, SNAPSHOT_COMMIT);
	assert_string_equal(event.snapshot.chain, "sha256:layer");

	/* neither one's nor the other's */
	prepared.key = (char *)"extract-without-a-chain";
	assert_int_equal(decode("containerd.events.SnapshotPrepare", &prepared.base, &event),
			 CONTAINERD_WIRE_UNDECODABLE);
}

/* 1.x and 2.x name the package of image events differently. */
static void images_come_under_both_packages(void **state)
{
	static const struct {
		const char *type;
		enum image_step step;
	} cases[] = {
		{"containerd.services.images.v1.ImageCreate", IMAGE_CREATE},
		{"containerd.events.ImageCreate", IMAGE_CREATE},
		{"containerd.services.images.v1.ImageUpdate", IMAGE_UPDATE},
		{"containerd.events.ImageUpdate", IMAGE_UPDATE},
		{"containerd.services.images.v1.ImageDelete", IMAGE_DELETE},
		{"containerd.events.ImageDelete", IMAGE_DELETE},
	};
	Containerd__ImageNamed named = CONTAINERD__IMAGE_NAMED__INIT;
	struct event event;

	(void)state;
	named.name = (char *)"docker.io/library/busybox:1";
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		DECODE(cases[i].type, named, &event);
		assert_int_equal(event.type, EVENT_IMAGE);
		assert_int_equal(event.image.step, cases[i].step);
		assert_string_equal(event.image.name, "docker.io/library/busybox:1");
	}
}

static void a_deleted_container_is_gone(void **state)
{
	Containerd__ContainerDelete deleted = CONTAINERD__CONTAINER_DELETE__INIT;
	struct event event;

	(void)state;
	deleted.id = (char *)"c1";
	DECODE("containerd.events.ContainerDelete", deleted, &event);
	assert_int_equal(event.type, EVENT_CONTAINER_GONE);
	assert_string_equal(event.container_gone.container_id, "c1");
}

static void known_without_news_and_unknown_differ(void **state)
{
	Containerd__TaskOf of = CONTAINERD__TASK_OF__INIT;
	struct event event;

	(void)state;
	of.container_id = (char *)"c1";
	assert_int_equal(decode("containerd.events.TaskExecStarted", &of.base, &event),
			 CONTAINERD_WIRE_NO_EVENT);
	assert_int_equal(decode("containerd.events.ContentCreate", &of.base, &event),
			 CONTAINERD_WIRE_NO_EVENT);
	assert_int_equal(decode("containerd.events.TaskDreamt", &of.base, &event),
			 CONTAINERD_WIRE_UNKNOWN);
	assert_int_equal(decode("", &of.base, &event), CONTAINERD_WIRE_UNKNOWN);
}

static void an_event_of_nobody_is_undecodable(void **state)
{
	Containerd__TaskStart started = CONTAINERD__TASK_START__INIT;
	struct event event = {.boot_ns = 77};
	struct packed packed;

	(void)state;
	packed = envelope_of("containerd.events.TaskStart", &started.base);
	assert_int_equal(containerd_wire_decode(packed.data, packed.size, OFFSET_NS, &event),
			 CONTAINERD_WIRE_UNDECODABLE);
	assert_int_equal(event.boot_ns, 77); /* untouched */
	free(packed.data);
}

static void impossible_stamps_are_undecodable(void **state)
{
	static const struct {
		int64_t seconds;
		int32_t nanos;
	} cases[] = {
		{0, 0},
		{-5, 0},
		{BOOT_WALL_S + 5, -1},
		{BOOT_WALL_S + 5, 1000000000},
		{INT64_MAX, 0},
		/* in ns, modulo 2^64, these two are some seconds after the boot */
		{WRAP_S + BOOT_WALL_S + 10, 0},
		{-WRAP_S + BOOT_WALL_S + 10, 0},
		{BOOT_WALL_S - 1, 0},
	};
	Containerd__Envelope envelope = CONTAINERD__ENVELOPE__INIT;
	Containerd__Timestamp stamp = CONTAINERD__TIMESTAMP__INIT;
	Containerd__TaskOf of = CONTAINERD__TASK_OF__INIT;
	Containerd__Any any = CONTAINERD__ANY__INIT;
	struct event event;

	(void)state;
	of.container_id = (char *)"c1";
	struct packed value = pack(&of.base);

	any.type_url = (char *)"containerd.events.TaskOOM";
	any.value.data = value.data;
	any.value.len = value.size;
	envelope.event = &any;
	envelope.timestamp = &stamp;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		stamp.seconds = cases[i].seconds;
		stamp.nanos = cases[i].nanos;
		struct packed packed = pack(&envelope.base);

		assert_int_equal(
			containerd_wire_decode(packed.data, packed.size, OFFSET_NS, &event),
			CONTAINERD_WIRE_UNDECODABLE);
		free(packed.data);
	}
	free(value.data);
}

/* Each length of a whole message, in memory of exactly that size: a sanitizer sees one byte too many. */
static void cut_messages_are_no_events(void **state)
{
	Containerd__TaskExit exited = CONTAINERD__TASK_EXIT__INIT;
	Containerd__Timestamp stamp = at(4, 1);
	struct event event;

	(void)state;
	exited.container_id = exited.id = (char *)"c1";
	exited.exited_at = &stamp;
	struct packed packed = envelope_of("containerd.events.TaskExit", &exited.base);

	for (size_t size = 0; size < packed.size; size++) {
		uint8_t *cut = malloc(size ? size : 1);

		assert_non_null(cut);
		memcpy(cut, packed.data, size);
		assert_int_not_equal(containerd_wire_decode(cut, size, OFFSET_NS, &event),
				     CONTAINERD_WIRE_EVENT);
		free(cut);
	}
	free(packed.data);
}

static void long_texts_are_cut_and_terminated(void **state)
{
	Containerd__ContainerCreate created = CONTAINERD__CONTAINER_CREATE__INIT;
	char text[5000];
	struct event event;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	created.id = created.image = text;
	DECODE("containerd.events.ContainerCreate", created, &event);
	assert_int_equal(strlen(event.container.container_id), ID_SIZE - 1);
	assert_int_equal(strlen(event.container.image), IMAGE_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_created_container_has_id_image_and_time),
		cmocka_unit_test(a_sandbox_update_names_its_pod),
		cmocka_unit_test(an_exit_has_its_own_time),
		cmocka_unit_test(a_deletion_has_the_exit_again),
		cmocka_unit_test(tasks_are_told_apart),
		cmocka_unit_test(a_snapshot_is_a_containers_or_a_layers),
		cmocka_unit_test(images_come_under_both_packages),
		cmocka_unit_test(a_deleted_container_is_gone),
		cmocka_unit_test(known_without_news_and_unknown_differ),
		cmocka_unit_test(an_event_of_nobody_is_undecodable),
		cmocka_unit_test(impossible_stamps_are_undecodable),
		cmocka_unit_test(cut_messages_are_no_events),
		cmocka_unit_test(long_texts_are_cut_and_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
