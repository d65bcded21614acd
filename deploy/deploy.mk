# SPDX-License-Identifier: Apache-2.0
# What goes onto a node or into a cluster; included by the Makefile.

IMAGE := $(BUILD)/nodewake-image.tar
SBOM  := $(BUILD)/nodewake-image.spdx.json
# The date of the last commit, so that the same sources give the same image.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

.PHONY: image
image: $(IMAGE) $(SBOM) ## an OCI archive for `ctr -n k8s.io images import`, and what is in it (SPDX)

$(IMAGE): $(BUILD)/nodewake $(wildcard deploy/image/*.sh)
	$(Q)deploy/image/collect.sh $(BUILD)/nodewake $(BUILD)/image-root
	$(call say,IMAGE,$@)SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) deploy/image/pack.sh $(BUILD)/image-root $(VERSION) $@

$(SBOM): $(IMAGE) deploy/image/sbom.py
	$(call say,SBOM,$@)SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) deploy/image/sbom.py $(BUILD)/image-root $(VERSION) >$@

.PHONY: check-reproducible
check-reproducible: ## two builds of the last commit, in folders of different names, give the same bytes
	@deploy/image/reproducible.sh

$(BUILD)/man/%: deploy/man/%.scd NEWS.md
	@mkdir -p $(@D)
	$(call say,MAN,$@)sed 's/@VERSION@/$(VERSION)/' $< | scdoc >$@

# Always: its path is a variable of make, which no time stamp tells.
UNITS := $(BUILD)/nodewake.service $(BUILD)/nodewake-early.service
.PHONY: $(UNITS)
$(UNITS): $(BUILD)/%: deploy/systemd/%
	@mkdir -p $(@D)
	$(Q)sed 's|@BINDIR@|$(PREFIX)/bin|' $< >$@

.PHONY: check-deploy
check-deploy: all ## manifests, alerts, dashboard, plugin, man page, completion: any machine, no root
	@BUILD=$(BUILD) /usr/bin/python3 -m pytest -q -p no:cacheprovider -rs tests/deploy
