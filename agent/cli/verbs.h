/* SPDX-License-Identifier: Apache-2.0 */
/* One function per verb: takes its words (argv[0] is the verb), returns the exit code. */
#pragma once

/* Exit codes that scripts can use. */
enum cli_code {
	CLI_OK = 0,
	CLI_FAILED = 1,	   /* nothing found, or not well */
	CLI_USAGE = 2,	   /* unknown or bad options; doctor: can't run at all */
	CLI_NO_DAEMON = 3, /* the daemon is not running; health: could not be judged */
	CLI_NO_DEATH = 4,  /* why: the pod is known, and nothing of it died */
};

int cli_watch(int argc, char **argv);
int cli_boot(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_why(int argc, char **argv);
int cli_starts(int argc, char **argv);
int cli_ooms(int argc, char **argv);
int cli_exits(int argc, char **argv);
int cli_pulls(int argc, char **argv);
int cli_gaps(int argc, char **argv);
int cli_waits(int argc, char **argv);
int cli_host(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_health(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_replay(int argc, char **argv);
