/* SPDX-License-Identifier: Apache-2.0 */
/* A kubeconfig: what is taken must be whole, what is refused must say why and leave nothing behind. */
#include "fuzz/target.h"

#include <stdlib.h>
#include <string.h>

#include "client/kube/kube_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_config config = {0};
	char why[KUBE_WHY_SIZE] = "";
	int r = kube_config_parse(&config, (const char *)data, size, "/dir/", why);

	if (r < 0 ? !*why || config.server : !config.server || *why)
		abort();
	if (r == 0 && !config.certificate.text != !config.key.text && !config.certificate.file &&
	    !config.key.file)
		abort(); /* one without the other */
	kube_config_done(&config);
	return 0;
}
