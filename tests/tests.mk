# SPDX-License-Identifier: Apache-2.0
# The tiers of tests; included by the Makefile. Each tier says what it skips and why.

UNIT_SRC := $(sort $(wildcard tests/unit/*_test.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))
# What tests share: fixtures, not tests.
UNIT_O   := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_test.c,$(wildcard tests/unit/*.c)))
# The kubelet's part in tests: a CRI client.
CRI      := $(BUILD)/cri
CRI_O    := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/cri/*.c)))
# The Kubernetes client, from the shell.
KUBE     := $(BUILD)/kube
KUBE_O   := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/kube/*.c)))

$(BUILD)/libfixture.a: $(UNIT_O)
	@mkdir -p $(@D) && rm -f $@
	$(call say,AR,$@)$(AR) rcsD $@ $^

# the CRI client sees generated headers
$(CRI_O): | $(GENERATED)

$(UNIT_O) $(CRI_O) $(KUBE_O): $(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -Itests -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/%_test: tests/unit/%_test.c $(BUILD)/libfixture.a $(LINK)
	@mkdir -p $(@D)
	$(call say,TEST,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -Itests -MMD -MP $(LDFLAGS) -o $@ $< $(BUILD)/libfixture.a \
		$(LINK) $(LDLIBS) -lcmocka

# It takes memory away.
$(BUILD)/tests/unit/tracker_random_test: LDFLAGS += -Wl,--wrap=calloc,--wrap=reallocarray

$(CRI): $(CRI_O) $(LINK)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(CRI_O) $(LINK) $(LDLIBS)

$(KUBE): $(KUBE_O) $(LINK)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(KUBE_O) $(LINK) $(LDLIBS)

# A fleet of nodes without kernel and runtime: the daemon's side of Kubernetes, many times.
FLEET := $(BUILD)/fleet
$(FLEET): tests/fleet/main.c $(filter-out $(BUILD)/agent/main.o,$(MAIN_O)) $(LINK)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# systemd-logind's part in a node's shutdown, for tests/cluster.
LOGIND := $(BUILD)/logind
$(LOGIND): tests/cluster/logind.c
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< -lsystemd

# Synthetic boots and pods in a store, for tests/report.
SCENE := $(BUILD)/report-scene
$(SCENE): tests/report/scene.c $(BUILD)/libfixture.a $(LINK)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(CFLAGS) -Itests $(LDFLAGS) -o $@ $< $(BUILD)/libfixture.a $(LINK) $(LDLIBS) -lcmocka

PROGRAMS := $(patsubst tests/programs/%.c,$(BUILD)/tests/programs/%,$(sort $(wildcard tests/programs/*.c)))

$(BUILD)/tests/programs/%: tests/programs/%.c $(wildcard tests/programs/*.h)
	@mkdir -p $(@D)
	$(call say,STATIC,$<)$(CC) $(if $(SYSROOT),--sysroot=$(SYSROOT)) -std=gnu2x -D_GNU_SOURCE -O2 $(WARNINGS) -static -o $@ $<

# A BPF program that does nothing, for tests/bench.
EMPTY_PROBE := $(BUILD)/tests/empty-probe
$(EMPTY_PROBE): tests/bench/empty_probe.c
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< -lbpf

# A node's day on the clock that its events carry, for tests/bench.
DAY := $(BUILD)/day
$(DAY): tests/bench/day.c $(LINK)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=clock_boot_ns -o $@ $^ $(LDLIBS)

# A slow disk, for tests/chaos.
SLOW_DISK := $(BUILD)/tests/slow-disk.so
$(SLOW_DISK): tests/chaos/slow_disk.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu2x -D_GNU_SOURCE -O2 $(WARNINGS) -Wno-missing-prototypes -fPIC -shared -o $@ $<

# Every decoder of foreign bytes, as a corpus test and as a libFuzzer target.
FUZZ_TARGETS := kernel_wire containerd_wire containerd_json replay record boot_report local_socket kubernetes_pod kube_config kube_wire \
	log_line http_answer store_file journal_fields
CORPUS_BIN   := $(patsubst %,$(BUILD)/tests/corpus/%,$(FUZZ_TARGETS))
FUZZ_SECONDS ?= 60

$(BUILD)/tests/corpus/%: tests/fuzz/%.c tests/fuzz/corpus_main.c $(LINK)
	@mkdir -p $(@D)
	$(call say,CORPUS,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -Itests $(LDFLAGS) -o $@ $(filter %.c,$^) $(LINK) $(LDLIBS)

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(LINK)
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -Itests -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(LINK) $(LDLIBS)

.PHONY: fuzz fuzz-run
fuzz: ## each decoder under libFuzzer and the sanitizers for FUZZ_SECONDS
	$(Q)$(MAKE) BUILD=build-fuzz CC=clang SANITIZE=1 CFLAGS_EXTRA=-fsanitize=fuzzer-no-link fuzz-run

fuzz-run: $(patsubst %,$(BUILD)/tests/fuzz/%,$(FUZZ_TARGETS))
	@for target in $(FUZZ_TARGETS); do mkdir -p $(BUILD)/corpus/$$target; \
		$(BUILD)/tests/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=$(BUILD)/ \
			$(BUILD)/corpus/$$target tests/fuzz/corpus/$$target || exit 1; done

.PHONY: check check-unit check-replay replay-accept check-report check-kube check-node check-programs check-containerd check-kernels check-deaths check-chaos check-cluster check-boot check-boot-cluster check-clang coverage coverage-fuzz check-corpus layers lint fmt asan demo bench bench-cost bench-day bench-fleet check-arm64

TIERS := check-unit check-replay layers check-deploy check-report check-kube check-node check-containerd check-kernels

check: deps ## all tests that this machine can run
	$(Q)$(MAKE) $(TIERS)

check-unit: $(UNIT_BIN) $(CORPUS_BIN) ## unit, replay and corpus tests: any machine, no root
	@failed=0; for test in $(UNIT_BIN); do $$test || failed=$$((failed + 1)); done; \
		for target in $(FUZZ_TARGETS); do \
			$(BUILD)/tests/corpus/$$target tests/fuzz/corpus/$$target || failed=$$((failed + 1)); done; \
		echo "check-unit: $(words $(UNIT_BIN) $(CORPUS_BIN)) programs, $$failed failed"; exit $$failed

check-replay: $(BUILD)/nodewake ## recorded incidents give the records that stand beside them, as the JSON Schema says
	@tests/replay/replay.sh $(BUILD)
	@/usr/bin/python3 -m pytest -q -rs -p no:cacheprovider tests/replay

replay-accept: $(BUILD)/nodewake ## take what the incidents give now as right: read the diff
	@tests/replay/replay.sh $(BUILD) accept

# Each folder must link against only what the include rule grants it.
layers: $(ARCHIVES)
	@$(foreach layer,$(LAYERS),$(CC) -shared -Wl,-z,defs $(filter -fsanitize%,$(LDFLAGS)) -o $(BUILD)/layer-$(layer).so \
		-Wl,--whole-archive $(BUILD)/lib$(layer).a -Wl,--no-whole-archive \
		$(foreach used,$(MAY_USE_$(layer)),$(BUILD)/lib$(used).a) $(LDLIBS) && ) echo "layers: each folder links with what it may use"

# What stands beside the integration tests and needs neither root nor a node.
KUBE_TESTS := $(patsubst %,tests/integration/test_kube_%.py,client watch http2 boot)

check-kube: $(KUBE) ## the Kubernetes client against a fake API server: any machine, no root
	@BUILD=$(BUILD) /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider $(KUBE_TESTS)

# Screenshots stay in $(BUILD)/report.
check-report: $(BUILD)/nodewake $(SCENE) ## the boot report in its forms, the page in headless Chromium: any machine, no root
	@BUILD=$(BUILD) /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider tests/report

# Real kernel, real containerd, real registry.
check-node: $(BUILD)/nodewake $(CRI) $(PROGRAMS) $(IMAGE) ## integration tests: root and a kernel with BTF
	@if [ "$$(id -u)" -ne 0 ]; then echo "check-node: SKIPPED: needs root"; \
	elif [ ! -e /sys/kernel/btf/vmlinux ]; then echo "check-node: SKIPPED: this kernel has no BTF"; \
	else BUILD=$(BUILD) /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider tests/integration $(KUBE_TESTS:%=--ignore=%); fi

# Not part of `check`: its packages and what it makes with them take minutes.
check-programs: $(BUILD)/nodewake $(CRI) $(PROGRAMS) ## what is said of PostgreSQL, Redis, nginx, Prometheus and Python (root); see $(BUILD)/explain/
	@tests/deps.sh programs
	@BUILD=$(BUILD) /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider tests/why

check-containerd: $(BUILD)/nodewake $(CRI) $(PROGRAMS) ## truth, gaps and pulls again with containerd 1.7 and 2.x
	@if [ "$$(id -u)" -ne 0 ] || [ ! -e /sys/kernel/btf/vmlinux ]; then echo "check-containerd: SKIPPED: as check-node"; \
	else tests/containerd.sh $(BUILD); fi

# The cast on Debian's kernel and pure cgroup v2, in a virtual machine without KVM.
check-kernels: $(BUILD)/nodewake $(CRI) $(PROGRAMS) ## the same on other kernels: QEMU, containerd, runc
	@if ! command -v qemu-system-x86_64 >/dev/null; then echo "check-kernels: SKIPPED: qemu-system-x86 is not installed"; \
	else BUILD=$(BUILD) SUITES="$(SUITES)" /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider -s tests/kernel; fi

# Not part of `check` yet. Unit tests by QEMU's user mode, where privileges_test can't: it has no prctl for capabilities.
ARM64 = MACHINE=aarch64 SYSROOT=$$(tests/arm64.sh) BUILD=build-arm64
check-arm64: ## built for arm64 without a warning; its unit tests, and check-kernels on Debian's arm64 kernel, under QEMU
	@tests/deps.sh arm64
	@tests/arm64.sh >/dev/null
	$(Q)root=$$(tests/arm64.sh); export PKG_CONFIG_SYSROOT_DIR=$$root \
		PKG_CONFIG_LIBDIR=$$root/usr/lib/aarch64-linux-gnu/pkgconfig:$$root/usr/share/pkgconfig; \
		$(MAKE) $(ARM64) CC=aarch64-linux-gnu-gcc CFLAGS_EXTRA=-Werror check-arm64-inside

check-arm64-inside: $(BUILD)/nodewake $(CRI) $(BUILD)/tests/programs/cast $(BUILD)/tests/programs/plant $(UNIT_BIN)
	@failed=0; for test in $(filter-out %/privileges_test,$(UNIT_BIN)); do \
		qemu-aarch64-static -L $(SYSROOT) $$test >$(BUILD)/unit.log 2>&1 || { failed=$$((failed + 1)); tail -n 20 $(BUILD)/unit.log; }; done; \
		echo "check-arm64: $(words $(UNIT_BIN)) unit tests but one, $$failed failed"; [ $$failed -eq 0 ]
	@MACHINE=aarch64 SYSROOT=$(SYSROOT) BUILD=$(BUILD) /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider -s tests/kernel

# Each way to die, planted here and in a machine with pure cgroup v2; not part of `check` yet.
check-deaths: $(BUILD)/nodewake $(CRI) $(PROGRAMS) ## a table of planted deaths, and a confusion matrix of what is told (root)
	@if [ "$$(id -u)" -ne 0 ] || [ ! -e /sys/kernel/btf/vmlinux ]; then echo "check-deaths: SKIPPED: as check-node"; \
	else cd tests && /usr/bin/python3 -m deaths ../$(BUILD) $(DEATHS); fi

# Not part of `check` yet: ten thousand containers take minutes to make.
check-chaos: $(BUILD)/nodewake $(CRI) $(PROGRAMS) $(SLOW_DISK) ## faults, each with an invariant that must hold (root)
	@if [ "$$(id -u)" -ne 0 ] || [ ! -e /sys/kernel/btf/vmlinux ]; then echo "check-chaos: SKIPPED: as check-node"; \
	else BUILD=$(BUILD) /usr/bin/python3 -m pytest -q -rs -s -p no:cacheprovider tests/chaos; fi

# Not part of `check` yet.
check-cluster: $(BUILD)/nodewake $(CRI) $(PROGRAMS) $(IMAGE) $(LOGIND) ## a real Kubernetes with one node (root; its build takes 6 min, once)
	@tests/cluster/check.sh $(BUILD)

# Not part of `check` yet.
check-boot: $(BUILD)/nodewake $(BUILD)/man/nodewake.8 $(BUILD)/nodewake.service $(CRI) $(PROGRAMS) ## a machine that boots, under QEMU without KVM (root; its image is built once)
	@tests/boot/check.sh $(BUILD)

# Not part of `check`: a boot takes minutes.
check-boot-cluster: $(BUILD)/nodewake $(BUILD)/man/nodewake.8 $(BUILD)/nodewake.service $(CRI) $(PROGRAMS) ## a whole Kubernetes in that machine
	@NODEWAKE_LONG=1 tests/boot/check.sh $(BUILD) test_cluster.py

demo: deps ## a cast of pods on a private node, and what nodewake says of them
	$(Q)$(MAKE) -j2 $(BUILD)/nodewake $(CRI) $(PROGRAMS)
	$(Q)/usr/bin/python3 tests/demo/demo.py $(BUILD)

lint: layers ## include rule, format, cppcheck, shellcheck
	@tests/lint.sh

fmt: ## format all C
	clang-format -i $$(git ls-files -co --exclude-standard 'agent/*.[ch]' 'bpf/*.[ch]' 'tests/*.[ch]')

asan: ## unit tests with the address and undefined-behaviour sanitizers
	$(Q)$(MAKE) BUILD=build-asan SANITIZE=1 all check-unit check-replay

# Which lines of agent/ and which branches of track/ the tests come by: these tiers, or those in COVERED.
COVERED ?= check-unit check-replay check-report check-kube check-node
coverage: ## lines of agent/ and branches of track/ that the tests come by; a page in build-coverage/coverage/
	$(Q)$(MAKE) BUILD=build-coverage COVERAGE=1 all
	$(Q)find build-coverage -name '*.gcda' -delete
	-$(Q)$(MAKE) -k BUILD=build-coverage COVERAGE=1 $(COVERED)
	@tests/coverage.sh build-coverage

check-corpus: $(CORPUS_BIN)
	@for target in $(FUZZ_TARGETS); do $(BUILD)/tests/corpus/$$target tests/fuzz/corpus/$$target || exit 1; done

coverage-fuzz: ## lines of the decoders of foreign bytes that the fuzzers' corpora come by
	$(Q)$(MAKE) BUILD=build-coverage COVERAGE=1 all
	$(Q)find build-coverage -name '*.gcda' -delete
	$(Q)$(MAKE) BUILD=build-coverage COVERAGE=1 check-corpus >/dev/null
	@tests/coverage.sh build-coverage fuzz

check-clang: ## clang and gcc build without a warning
	$(Q)$(MAKE) BUILD=build-clang CC=clang CFLAGS_EXTRA=-Werror all
	$(Q)$(MAKE) BUILD=build-gcc CC=gcc CFLAGS_EXTRA=-Werror all

bench-cost: $(BUILD)/nodewake $(CRI) $(PROGRAMS) $(EMPTY_PROBE) ## what it costs to watch a node, nodewake's way and others': writes docs/cost.md (root)
	@tests/deps.sh peers
	/usr/bin/python3 tests/bench/cost.py --write $(BUILD)

bench-day: $(DAY) ## a node's day, replayed in some minutes: what it leaves in memory and on the disk; writes docs/cost.md
	/usr/bin/python3 tests/bench/day.py --write $(BUILD)

# Options of tests/fleet in FLEET_OPTIONS: --nodes 100, --write.
bench-fleet: $(FLEET) $(BUILD)/nodewake $(CRI) $(PROGRAMS) ## what hundreds of nodes ask of one real API server (root; its build takes 6 min, once)
	@cd tests && /usr/bin/python3 -m fleet ../$(BUILD) $(FLEET_OPTIONS)

bench: $(BUILD)/nodewake $(CRI) $(PROGRAMS) ## what it costs: prints ratios, writes tests/bench/README.md (root)
	/usr/bin/python3 tests/bench/bench.py --write $(BUILD)
