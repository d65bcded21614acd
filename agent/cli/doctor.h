/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What doctor's checks share: each looks at one thing that nodewake needs and leaves findings.
 *
 * Every path of the system is taken below `root`, so that tests can take things away one by one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum health { HEALTH_OK, HEALTH_WARNING, HEALTH_FAILED };

struct finding {
	const char *what;
	enum health health;
	char text[256], todo[256];
};

#define FINDINGS_MAX 32

struct doctor {
	const char *root;
	const char *state_dir;
	const char *containerd_socket; /* NULL: look in the known places */
	const char *cni_dirs;	       /* NULL: the known places */
	struct finding findings[FINDINGS_MAX];
	size_t count;
	bool no_kernel, no_containerd; /* this source can't work; without both nothing does */
};

/* Adds a finding; the texts may hold what the system says: they are made safe when printed. */
__attribute__((format(printf, 4, 5))) struct finding *doctor_find(struct doctor *doctor,
								  const char *what,
								  enum health health,
								  const char *format, ...);

/* What it means and what to do. */
__attribute__((format(printf, 2, 3))) void doctor_advise(struct finding *finding,
							 const char *format, ...);

bool doctor_exists(const struct doctor *doctor, const char *path);

/* The first line of a small file, or of the one that begins with `prefix`, without it. -errno. */
int doctor_read_line(const struct doctor *doctor, const char *path, const char *prefix,
		     char ret_line[static 256]);

void doctor_check_kernel(struct doctor *doctor);
void doctor_check_node(struct doctor *doctor);
