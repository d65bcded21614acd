/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of the texts in events and records, NUL included, each with where its maximum comes from. */
#pragma once

#define ID_SIZE		 80  /* containerd ids: at most 76 characters, CRI's are 64 hex */
#define POD_UID_SIZE	 40  /* UUID; static pods: 32 hex */
#define POD_SIZE	 254 /* RFC 1123 subdomain, 253 */
#define NAMESPACE_SIZE	 64  /* RFC 1123 label, 63 */
#define NAME_SIZE	 64  /* container name: RFC 1123 label */
#define IMAGE_SIZE	 256 /* longer references are cut */
#define DIGEST_SIZE	 72  /* "sha256:" and 64 hex */
#define COMM_SIZE	 16  /* TASK_COMM_LEN */
#define FILE_SIZE	 128 /* a program's path, cut at the end */
#define VERB_SIZE	 16
#define ADDRESS_SIZE	 46  /* INET6_ADDRSTRLEN */
#define CGROUP_PATH_SIZE 256 /* cut at the front: the leaf matters */
#define REASON_SIZE	 64
#define MESSAGE_SIZE	 512
#define CAUSE_SIZE	 128
#define UNIT_SIZE	 128 /* systemd allows 255; longer ones are cut */
#define POD_PATH_SIZE	 160 /* "namespace/pod", cut */
#define KEY_SIZE	 96
#define DISK_SIZE	 32  /* BDEVNAME_SIZE */
#define REGISTRY_SIZE	 128 /* host and port, longer ones are cut */
