# SPDX-License-Identifier: BSD-2-Clause
#
# make tools                what is built for this machine: O/tools/slipway-measure. Its page is
#                           tools/slipway-measure.1

slipway_measure := $(O)/tools/slipway-measure
slipway_measure_srcs := tools/slipway-measure.c \
	$(addprefix measure/,eventlog.c kernel.c measure.c pcr.c sha2.c sha2_portable.c)

.PHONY: tools
tools: $(slipway_measure)

$(slipway_measure): $(slipway_measure_srcs) $(wildcard measure/*.h lib/*.h) Makefile tools/module.mk
	@mkdir -p $(@D)
	$(Q)tests/tools/need gcc libc6-dev
	$(call say,HOSTCC,$@)
	$(Q)$(CC) -std=gnu17 -O2 -g $(filter -W%,$(cflags)) -D_GNU_SOURCE $(defines) -I. -Iarch/include \
		$(slipway_measure_srcs) -o $@
