# SPDX-License-Identifier: Apache-2.0
# What goes onto a node or into a cluster; included by the Makefile.

IMAGE := $(BUILD)/nodewake-image.tar
# The date of the last commit, so that the same sources give the same image.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

.PHONY: image
image: $(IMAGE) ## an OCI archive for `ctr -n k8s.io images import`

$(IMAGE): $(BUILD)/nodewake $(wildcard deploy/image/*.sh)
	$(Q)deploy/image/collect.sh $(BUILD)/nodewake $(BUILD)/image-root
	$(call say,IMAGE,$@)SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) deploy/image/pack.sh $(BUILD)/image-root $(VERSION) $@
