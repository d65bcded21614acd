/* SPDX-License-Identifier: Apache-2.0 */
/* What kube_config.c and kube_config_yaml.c share; nobody else includes it. */
#pragma once

#include "client/kube/kube_config.h"

__attribute__((format(printf, 3, 4))) int kube_config_fail(char *ret_why, int error,
							   const char *format, ...);

/* Decodes standard base64, white space allowed. NULL if it is none, holds a NUL, or without memory. */
char *kube_config_base64(const char *text);

/* Is what was put together complete and usable? Same returns as kube_config_read. */
int kube_config_check(const struct kube_config *config, char ret_why[static KUBE_WHY_SIZE]);
