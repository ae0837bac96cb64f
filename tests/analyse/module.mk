# SPDX-License-Identifier: BSD-2-Clause
#
# make analyse              gcc -fanalyzer, clang-tidy and cppcheck over all C of both images
# make analyse T=pci        the sources with that in their name
#
# With CC=gcc a source is looked at by gcc -fanalyzer, with CC=clang by clang-tidy, each with the
# flags that it is built with: all warnings of the ordinary build, -Wconversion too, are among what
# is looked for. What is found is mended, or clearer code is written. The few kinds of findings that
# are not asked for are in the files .clang-tidy, in cppcheck.txt and here, with the reason.

# Without optimization, which takes paths away before they are looked at.
# -Wanalyzer-malloc-leak: the firmware has no heap. Tests run under ASan, which sees leaks, and gcc
# 12 loses sight of memory that an element of an array owns.
analyse_gcc := -fanalyzer -O0 -Wno-analyzer-malloc-leak

comma := ,
# The firmware, and the kernel that its end is tested with.
analyse_probe_x86_64 := tests/qemu/probe/probe.c
analyse_probe_aarch64 := tests/qemu/aarch64/probe/probe.c
analyse_srcs := $(filter %.c,$(srcs) $(srcs_$(ARCH)) $(srcs_arch)) $(analyse_probe_$(ARCH))
# What runs on this machine is looked at once, with the x86_64 image.
analyse_host := $(if $(filter x86_64,$(ARCH)),\
	$(sort $(wildcard arch/host/*.c tests/unit/*.c tests/fuzz/*.c tests/bench/*.c)))
analyse_chosen = $(if $(T),$(foreach f,$1,$(if $(findstring $(T),$f),$f)),$1)
# There is a file .ok for each source that nothing was found in.
analyse_srcs_ok := $(patsubst %,$(build)/%.ok,$(call analyse_chosen,$(analyse_srcs)))
analyse_host_ok := $(patsubst %,$(build)/%.ok,$(call analyse_chosen,$(analyse_host)))
# All sources of a kind at once: cppcheck looks into calls from one to the other. The firmware's
# are also held to what it calls style, such as conditions that are always true.
analyse_cppcheck_firmware := $(filter-out tests/%,$(analyse_srcs) $(analyse_host))
analyse_cppcheck_tests := $(filter tests/%,$(analyse_srcs) $(analyse_host))
analyse_cppcheck_ok := $(if $(is_clang)$(T),,$(addprefix $(build)/cppcheck-,firmware.ok tests.ok))
analyse_ok := $(analyse_srcs_ok) $(analyse_host_ok) $(analyse_cppcheck_ok)

$(analyse_srcs_ok): analyse_compiler = $(compiler)
$(analyse_srcs_ok): analyse_cflags = $(cflags) $(arch_cflags) $(includes) -Itests/qemu/probe
$(analyse_host_ok): analyse_compiler = $(CC)
$(analyse_host_ok): analyse_cflags = $(unit_cflags)
analyse_with = $(if $(is_clang),\
	$(analyse_compiler) $(analyse_cflags) -MM -MP -MT $@ -MF $(@:.ok=.d) $< && \
	clang-tidy --quiet $< -- $(if $(filter $(analyse_srcs_ok),$@),$(clang_target)) $(analyse_cflags),\
	$(analyse_compiler) $(analyse_cflags) $(analyse_gcc) -MMD -MP -MT $@ -MF $(@:.ok=.d) \
		-S $< -o /dev/null)

$(build)/analyse: tests/tools/need tests/analyse/module.mk
	@mkdir -p $(@D)
	$(Q)tests/tools/need clang clang-tidy cppcheck
	@touch $@

$(analyse_srcs_ok) $(analyse_host_ok): $(build)/%.ok: % $(build)/settings $(build)/setup.mk \
		$(build)/analyse $(unit)/setup Makefile tests/analyse/module.mk \
		$(if $(is_clang),.clang-tidy arch/host/.clang-tidy tests/.clang-tidy)
	@mkdir -p $(@D) && rm -f $@
	$(call say,ANALYSE,$(if $(is_clang),clang-tidy,gcc) $(ARCH) $<)
	$(Q)$(analyse_with) >$@.log 2>&1 && touch $@ || { cat $@.log; false; }

$(build)/cppcheck-%.ok: $$(analyse_cppcheck_$$*) $(build)/analyse tests/analyse/cppcheck.txt \
		$(wildcard */*.h */*/*.h */*/*/*.h)
	@rm -f $@
	$(call say,ANALYSE,cppcheck $(ARCH) $*)
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c17 --platform=unix64 \
		--enable=warning,performance,portability$(if $(filter firmware,$*),$(comma)style) \
		--suppressions-list=tests/analyse/cppcheck.txt \
		-D__$(ARCH)__ $(if $(filter x86_64,$(ARCH)),-D__SSE2__) -D_GNU_SOURCE -DTEST_DATA='""' \
		$(defines) --include=lib/hidden.h -I. -Iarch/include -Itests/unit -Itests/qemu/probe \
		$(analyse_cppcheck_$*) >$@.log 2>&1 && touch $@ || { cat $@.log; false; }

ifneq ($(filter analyse-%,$(MAKECMDGOALS)),)
-include $(wildcard $(analyse_srcs_ok:.ok=.d) $(analyse_host_ok:.ok=.d))
endif

.PHONY: analyse analyse-sources analyse-list
analyse:
	$(Q)tests/analyse/run '$(MAKE)' '$(O)/analyse'

# For tests/analyse/run.
analyse-sources: $(analyse_ok)
	@:
analyse-list:
	@printf '%s\n' $(analyse_ok)
