/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to show a boot report. None of them reads anything; all texts from outside come out escaped. */
#pragma once

#include <stdio.h>

#include "cli/boot/boot_report.h"

/* All of it. */
void boot_show_text(FILE *out, const struct boot_report *report, bool colour);

void boot_show_path(FILE *out, const struct boot_report *report);

/* Only what changes while it wakes: headline, phases, what is missing. */
void boot_show_progress(FILE *out, const struct boot_report *report, bool colour);

/* These return 0 or -ENOMEM. */
int boot_show_json(FILE *out, const struct boot_report *report);
int boot_show_svg(FILE *out, const struct boot_report *report);
int boot_show_html(FILE *out, const struct boot_report *report);
int boot_show_trace(FILE *out, const struct boot_report *report);

/* "Boot of 2026-11-23 06:12:04Z   ready after 2min 31.4s   slower than usual: ..." without a newline. */
void boot_show_headline(FILE *out, const struct boot_report *report, bool colour);

/* Its parts: "2026-11-23 06:12:04Z", "ready after 2min 31.4s", "slower than usual: median 58.2s of 9 boots". */
void boot_show_began(FILE *out, const struct boot_report *report);
void boot_show_state(FILE *out, const struct boot_report *report);
void boot_show_usual(FILE *out, const struct boot_report *report);

/* "power loss, reset or hang, down for 41.0s (journal ends ...)"; nothing where nothing is known. Returns whether. */
bool boot_show_before(FILE *out, const struct record_boot *boot);

/* Title of a step of the critical path, "app of ai-stack/aidb"; raw: print it safely. */
#define BOOT_TITLE_SIZE (POD_PATH_SIZE + UNIT_SIZE + 32)
void boot_step_title(const struct boot_step *step, char ret[static BOOT_TITLE_SIZE]);

/*
 * What a person would run next about a pod that is missing. Made of known words and of names that are plain
 * (letters, digits, dots, dashes): what is printed here gets pasted into a shell.
 */
#define BOOT_COMMAND_SIZE (POD_PATH_SIZE + NAME_SIZE + UNIT_SIZE + 64)
void boot_next_command(const struct record_boot *boot, const struct boot_missing *missing,
		       char ret[static BOOT_COMMAND_SIZE]);
