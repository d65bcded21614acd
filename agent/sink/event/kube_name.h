/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be a name in Kubernetes, and so may stand in a path without being escaped. For whoever asks the
 * API server for an object that others named.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define KUBE_NAME_SIZE 254 /* RFC 1123 subdomain, 253, and NUL */

/* RFC 1123: labels of a-z, 0-9 and -, joined by dots, at most 253 characters. */
bool kube_name_valid(const char *name);

/* One label, at most 63: a namespace. */
bool kube_name_valid_label(const char *name);

/* The host's name as the kubelet takes it (lower case), unless `given` says another. -EINVAL: it is no name. */
int kube_name_of_node(const char *given, char ret[static KUBE_NAME_SIZE]);
