/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the CRI driver. Each call ends the program with one line when it is refused. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "cri.pb-c.h"

#define CRI_RUNTIME "/runtime.v1.RuntimeService/"
#define CRI_IMAGES  "/runtime.v1.ImageService/"

/* The command line's KEY=VALUE words and the COMMAND behind --. */
struct arguments {
	int count;
	char **words;
	char **command;
	int command_count;
};

extern struct arguments arguments;

const char *option(const char *key, const char *otherwise);
/* The value of the nth word with this key, NULL behind the last. */
const char *option_nth(const char *key, int nth);
char *required(const char *key);

/* The decoded answer, which is never freed: one call, one process. */
void *cri_call(const char *path, const ProtobufCMessage *request,
	       const ProtobufCMessageDescriptor *type);
void cri_hang_up(void);
/* Told of a refusal before the program ends; may be NULL. */
extern void (*cri_on_refusal)(const char *method, const char *message);

#define CALL(method, request, type) \
	((void *)cri_call(method, &(request).base, &cri__##type##__descriptor))

/* pod.c: what pods and containers are made of; ids are returned. */
void pod_describe(char *name, char *namespace_name, char *uid, char *parent);
char *pod_run(void);
char *container_create(char *pod, char *name, char *image);
void call_by_id(const char *method, char *id, int64_t timeout);

/* confine.c: env=, mount=, and the securityContext of a pod's container: drop ALL but cap=. */
void container_environment(Cri__ContainerConfig *config);
void container_mounts(Cri__ContainerConfig *config);
void container_confine(Cri__LinuxContainerSecurityContext *security);

/* list.c: one line of JSON each. */
void print_json(json_t *json);
int verb_images(void);
int verb_version(void);
int verb_inspect(void);
int verb_ps(void);
int verb_pods(void);

/* bench.c */
int verb_bench(void);

/* keep.c: pods as a kubelet keeps them; keep_pod.c: one of them, keep_log.c: what was done. */
int verb_keep(void);
_Noreturn void keep_pod(void);
void keep_log_open(void);
void keep_log(const char *what, const char *detail);
