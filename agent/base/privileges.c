/* SPDX-License-Identifier: Apache-2.0 */
#include "base/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (UINT64_C(1) << (capability))
#define WORDS		_LINUX_CAPABILITY_U32S_3

static const uint64_t probes = BIT(CAP_BPF) | BIT(CAP_PERFMON);
static const uint64_t reading = BIT(CAP_SYSLOG) | BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH);

static uint64_t kept_of(uint64_t permitted)
{
	uint64_t kept = probes | reading;

	if ((permitted & probes) != probes)
		kept |= BIT(CAP_SYS_ADMIN);
	return permitted & kept;
}

int privileges_drop(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[WORDS];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capget, &header, data) < 0)
		return -errno;
	uint64_t kept = kept_of((uint64_t)data[1].permitted << 32 | data[0].permitted);

	for (uint32_t i = 0; i < WORDS; i++) {
		data[i].permitted = data[i].effective = (uint32_t)(kept >> 32 * i);
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}
