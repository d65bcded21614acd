/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What health's parts share: facts are gathered first (health_machine.c, health_api.c), then judged by small
 * functions that leave findings, then shown (health_print.c). cli/health/health.c has the table of checks.
 *
 * Every path of the system is taken below `root`, so that tests can make up a machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/names.h"

#define HEALTH_DEADLINE_MS  3000 /* for each question to a peer */
#define HEALTH_FINDINGS_MAX 64

enum grade {
	GRADE_OK,
	GRADE_WARN,    /* worth a look; the node is well all the same */
	GRADE_BAD,     /* the node is not well */
	GRADE_UNKNOWN, /* could not be seen */
	GRADE_COUNT
};

struct health_finding {
	const char *check;
	enum grade grade;
	bool aside;		     /* unknown, and nothing is missing for a judgement */
	bool hopeless;		     /* unknown, and waiting will not change it */
	char subject[POD_PATH_SIZE]; /* of several findings of a check; "" else */
	char reason[REASON_SIZE];    /* one word where there is one: CrashLoopBackOff */
	char text[512], todo[512];   /* what was found, what to do next */
};

struct health_report {
	struct health_finding findings[HEALTH_FINDINGS_MAX];
	size_t count;
	uint32_t pods_expected, pods_ready;
};

/* Adds a finding; the texts may hold what peers say: they are made safe when printed. */
__attribute__((format(printf, 4, 5))) struct health_finding *health_find(
	struct health_report *report, const char *check, enum grade grade, const char *format, ...);

__attribute__((format(printf, 2, 3))) void health_advise(struct health_finding *finding,
							 const char *format, ...);

/* The worst of a check's findings; GRADE_UNKNOWN where there is none. */
enum grade health_grade(const struct health_report *report, const char *check);

enum health_verdict { HEALTH_WELL, HEALTH_NOT_WELL, HEALTH_NOT_JUDGED };

/* One bad finding: not well. Else one unknown that is not aside: not judged. */
enum health_verdict health_conclude(const struct health_report *report);

const char *grade_name(enum grade grade);
