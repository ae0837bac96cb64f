# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix acpi/,rsdp.c script.c smbios.c)
