# SPDX-License-Identifier: Apache-2.0
# One non-recursive Makefile. `make help` lists the targets; outputs go to $(BUILD).

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
V       ?= 0
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
# Another machine's: tests/arm64.sh sets them.
MACHINE ?= $(shell uname -m)
SYSROOT ?=
VERSION := $(shell sed -n '1s/^\# *nodewake \([0-9.]*\).*/\1/p' NEWS.md)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) $(2);)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# --- flags -----------------------------------------------------------------------------------

PACKAGES := libsystemd grpc_unsecure libprotobuf-c libbpf jansson sqlite3 libmicrohttpd libcurl yaml-0.1 libseccomp

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Werror=implicit
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIC -D_FORTIFY_SOURCE=3 -ffile-prefix-map=$(CURDIR)=.
HARDEN   += $(if $(filter x86_64,$(MACHINE)),-fcf-protection)$(if $(filter aarch64,$(MACHINE)),-mbranch-protection=standard)
OPT      ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -DNODEWAKE_VERSION='"$(VERSION)"' -Iagent -I. -I$(BUILD)/gen
CFLAGS   += -std=gnu2x $(OPT) $(WARNINGS) $(HARDEN) $(CFLAGS_EXTRA)
CFLAGS   += $(shell pkg-config --cflags $(filter-out grpc_unsecure,$(PACKAGES)))
CPPFLAGS += $(if $(SYSROOT),--sysroot=$(SYSROOT))
LDFLAGS  += $(if $(SYSROOT),--sysroot=$(SYSROOT)) -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
LDLIBS   += $(shell pkg-config --libs $(filter-out grpc_unsecure,$(PACKAGES))) -lgrpc_unsecure -lgpr

ifeq ($(SANITIZE),1)
CFLAGS  := $(filter-out -D_FORTIFY_SOURCE=3,$(CFLAGS:-O2=-O1)) -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer
CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=3,$(CPPFLAGS))
LDFLAGS += -fsanitize=address,undefined
endif

ifeq ($(COVERAGE),1)
CFLAGS  := $(filter-out -D_FORTIFY_SOURCE=3,$(CFLAGS:-O2=-O0)) --coverage -fprofile-update=atomic
LDFLAGS += --coverage
endif

# --- the folders of the agent and what each may use (agent/README.md) -------------------------

LAYERS := base model client track store source sink cli
MAY_USE_base   :=
MAY_USE_model  := base
MAY_USE_client := base
MAY_USE_track  := model base
MAY_USE_store  := model base
MAY_USE_source := client model base
MAY_USE_sink   := store client model base
MAY_USE_cli    := store track client model base

# A folder has rooms where it has many files; the include rule is the folder's.
sources = $(sort $(wildcard agent/$(1)/*.c agent/$(1)/*/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))

PROTOS    := $(sort $(wildcard proto/*.proto))
PROTO_C   := $(patsubst proto/%.proto,$(BUILD)/gen/%.pb-c.c,$(PROTOS))
PROTO_H   := $(PROTO_C:.c=.h)
PROTO_O   := $(PROTO_C:.c=.o)
BPF_O     := $(BUILD)/bpf/nodewake.bpf.o
SKELETON  := $(BUILD)/gen/nodewake.skel.h
LAYOUT    := $(BUILD)/gen/layout.h
GENERATED := $(PROTO_H) $(SKELETON) $(LAYOUT)

ARCHIVES := $(foreach layer,$(LAYERS),$(BUILD)/lib$(layer).a)
# Users before the used: a static link resolves forward.
LINK     := $(foreach layer,cli sink source store track client model base,$(BUILD)/lib$(layer).a)
MAIN_O   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard agent/*.c))

.PHONY: all help
all: $(BUILD)/nodewake $(BUILD)/man/nodewake.8 $(BUILD)/nodewake.service $(BUILD)/nodewake-early.service ## build the agent, its man page and units

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile tests/tests.mk deploy/deploy.mk | expand -t 18

# --- build -----------------------------------------------------------------------------------

$(BUILD)/nodewake: $(MAIN_O) $(LINK)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(MAIN_O) $(LINK) $(LDLIBS)

# Only these folders see generated headers; the others build without clang and protoc.
$(call objects,client) $(call objects,source): | $(GENERATED)

$(BUILD)/agent/%.o: agent/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# What these carry inside (.incbin).
$(BUILD)/agent/cli/chart/chart_svg.o: agent/cli/chart/chart.css
$(BUILD)/agent/cli/chart/chart_html.o: agent/cli/chart/chart_page.css agent/cli/chart/chart_page.js

define archive_rule
$(BUILD)/lib$(1).a: $(call objects,$(1)) $(if $(filter client,$(1)),$(PROTO_O))
	@mkdir -p $$(@D) && rm -f $$@
	$$(call say,AR,$$@)$$(AR) rcsD $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call archive_rule,$(layer))))

$(BUILD)/gen/%.pb-c.c $(BUILD)/gen/%.pb-c.h &: proto/%.proto
	@mkdir -p $(BUILD)/gen
	$(call say,PROTOC,$<)protoc-c --c_out=$(BUILD)/gen --proto_path=proto $<

$(BUILD)/gen/%.pb-c.o: $(BUILD)/gen/%.pb-c.c
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(OPT) -fPIC -w -c -o $@ $<

BPF_TARGET_ARCH := $(subst aarch64,arm64,$(subst x86_64,x86,$(MACHINE)))
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) -target bpf -D__TARGET_ARCH_$(BPF_TARGET_ARCH) -mcpu=v3 -O2 -g \
		-ffile-prefix-map=$(CURDIR)=. -Wall -Wextra -Wno-unused-parameter -I. -I$(SYSROOT)/usr/include/$(MACHINE)-linux-gnu -MMD -MP -c -o $@ $<

$(SKELETON): $(BPF_O)
	@mkdir -p $(@D)
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name nodewake > $@

# The records' layout as one word, without comments: an agent takes over only pinned rings that it can read.
$(LAYOUT): bpf/wire.h
	@mkdir -p $(@D)
	$(call say,LAYOUT,$@)printf '#define WIRE_LAYOUT "%s"\n' \
		"$$(sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' $< | tr -d '[:space:]' | sha256sum | cut -c 1-16)" >$@

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
include deploy/deploy.mk
include tests/tests.mk

# --- install ---------------------------------------------------------------------------------

.PHONY: deps install uninstall clean
deps: ## install every package that the other targets need (Debian 12, root)
	sh tests/deps.sh

# What is installed, and where below PREFIX: one list for both ways.
INSTALLED := bin/nodewake bin/kubectl-nodewake share/man/man8/nodewake.8 \
	share/bash-completion/completions/nodewake lib/systemd/system/nodewake.service \
	lib/systemd/system/nodewake-early.service
TO := $(DESTDIR)$(PREFIX)

install: all ## install to DESTDIR and PREFIX
	install -D -m 0755 $(BUILD)/nodewake $(TO)/bin/nodewake
	install -D -m 0755 deploy/kubectl/kubectl-nodewake $(TO)/bin/kubectl-nodewake
	install -D -m 0644 $(BUILD)/man/nodewake.8 $(TO)/share/man/man8/nodewake.8
	install -D -m 0644 deploy/completion/nodewake.bash $(TO)/share/bash-completion/completions/nodewake
	install -D -m 0644 $(BUILD)/nodewake.service $(TO)/lib/systemd/system/nodewake.service
	install -D -m 0644 $(BUILD)/nodewake-early.service $(TO)/lib/systemd/system/nodewake-early.service

uninstall: ## remove what install put there
	rm -f $(addprefix $(TO)/,$(INSTALLED))

clean: ## remove all outputs
	rm -rf $(BUILD)
