// SPDX-License-Identifier: Apache-2.0
/* The rows of children that die while their container goes on. */
#include <inttypes.h>

#include "base/text.h"
#include "cli/death/certificate.h"

static void process(FILE *out, const struct death *death)
{
	const struct record_child *child = &death->child->child;

	text_print_safe(out, child->comm);
	fprintf(out, " (pid %" PRIu32 ")", child->pid);
	if (*child->parent_comm) {
		fputs(", child of ", out);
		text_print_safe(out, child->parent_comm);
	}
	if (*child->file) {
		fputs(", last executed ", out);
		text_print_safe(out, child->file);
	}
}

static void sent_by(FILE *out, const struct death *death)
{
	const struct record_child *child = &death->child->child;

	if (!child->sender_pid || child->sender_pid == child->pid)
		return;
	text_print_safe(out, child->sender_comm);
	fprintf(out, " (pid %" PRIu32 "), %s", child->sender_pid,
		child->sender_inside ? "in the container" : "outside of the container");
}

static void repeats(FILE *out, const struct death *death)
{
	const struct record_child *child = &death->child->child;

	if (child->count < 2)
		return;
	fprintf(out, "%s%" PRIu32 " deaths since ", child->looping ? "a silent loop: " : "",
		child->count);
	certificate_time(out, death, child->first_ns);
	if (child->same > 1)
		fprintf(out, ", the last %" PRIu32 " the same way", child->same);
	if (child->interval_ns)
		fprintf(out, ", every %s", text_of_duration(child->interval_ns));
}

static void survivors(FILE *out, const struct death *death)
{
	if (death->child->child.container_survived == SURVIVAL_YES)
		fputs("the container goes on: Kubernetes shows nothing", out);
}

const struct certificate_row certificate_child_rows[] = {
	{"process", process},	  {"sent", sent_by}, {"repeats", repeats},
	{"survivors", survivors}, {NULL, NULL},
};
