/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the API server is and who we are to it: from the pod's service account or a kubeconfig.
 *
 * client/kube/kube.c asks. It reads files and connects to nothing; what a kubeconfig asks for and this does
 * not do (plugins, proxies, impersonation) is refused, never left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KUBE_WHY_SIZE 256

/* A text that stands in the configuration, or a file that may change. Neither: there is none. */
struct kube_material {
	char *text, *file;
};

struct kube_config {
	char *server;	   /* "https://10.43.0.1:443", no slash at its end */
	char *server_name; /* to verify instead of the server's host; or NULL */
	struct kube_material ca, certificate, key, token;
	bool insecure;
};

/*
 * All return 0 or a negative errno, with one sentence in ret_why; *ret is then untouched.
 *
 * In a pod: KUBERNETES_SERVICE_HOST and _PORT, and the token and ca.crt in account_dir. -ENOENT: not a pod.
 */
int kube_config_in_cluster(struct kube_config *ret, const char *account_dir,
			   char ret_why[static KUBE_WHY_SIZE]);

int kube_config_read(struct kube_config *ret, const char *path, char ret_why[static KUBE_WHY_SIZE]);

/* The same from a text; relative paths are relative to dir. */
int kube_config_parse(struct kube_config *ret, const char *text, size_t size, const char *dir,
		      char ret_why[static KUBE_WHY_SIZE]);

void kube_config_done(struct kube_config *config);

/* A material's text as it is now, to be freed; NULL if there is none. Returns 0 or a negative errno. */
int kube_material_read(const struct kube_material *material, char **ret);
