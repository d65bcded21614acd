# SPDX-License-Identifier: Apache-2.0
# The tiers of tests; included by the Makefile. Each tier says what it skips and why.

UNIT_SRC := $(sort $(wildcard tests/unit/*_test.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))
# What tests share: fixtures, not tests.
UNIT_O   := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_test.c,$(wildcard tests/unit/*.c)))
TOOL_SRC := $(sort $(wildcard tests/tools/*.c))
TOOL_BIN := $(patsubst tests/tools/%.c,$(BUILD)/tests/tools/%,$(TOOL_SRC))

$(BUILD)/libfixture.a: $(UNIT_O)
	@mkdir -p $(@D) && rm -f $@
	$(call say,AR,$@)$(AR) rcsD $@ $^

$(UNIT_O): $(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -Itests -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/%_test: tests/unit/%_test.c $(BUILD)/libfixture.a $(LINK)
	@mkdir -p $(@D)
	$(call say,TEST,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -Itests -MMD -MP $(LDFLAGS) -o $@ $< $(BUILD)/libfixture.a \
		$(LINK) $(LDLIBS) -lcmocka

$(BUILD)/tests/tools/%: tests/tools/%.c $(LINK)
	@mkdir -p $(@D)
	$(call say,TOOL,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(LINK) $(LDLIBS)

PROGRAMS := $(patsubst tests/programs/%.c,$(BUILD)/tests/programs/%,$(sort $(wildcard tests/programs/*.c)))

$(BUILD)/tests/programs/%: tests/programs/%.c
	@mkdir -p $(@D)
	$(call say,STATIC,$<)$(CC) -std=gnu2x -D_GNU_SOURCE -O2 $(WARNINGS) -static -o $@ $<

.PHONY: check check-unit layers
check-unit: $(UNIT_BIN) ## unit, replay and corpus tests: any machine, no root
	@failed=0; for test in $(UNIT_BIN); do $$test || failed=1; done; exit $$failed

# Each folder must link against only what the include rule grants it.
layers: $(ARCHIVES)
	@$(foreach layer,$(LAYERS),$(CC) -shared -Wl,-z,defs $(filter -fsanitize%,$(LDFLAGS)) -o $(BUILD)/layer-$(layer).so \
		-Wl,--whole-archive $(BUILD)/lib$(layer).a -Wl,--no-whole-archive \
		$(foreach used,$(MAY_USE_$(layer)),$(BUILD)/lib$(used).a) $(LDLIBS) && ) true
