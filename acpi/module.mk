# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix acpi/,rsdp.c script.c smbios.c smbios_make.c)
srcs_x86_64 += $(addprefix acpi/,find.c mptable.c)
warm += $(addprefix acpi/,rsdp.c script.c smbios_make.c)
