/* SPDX-License-Identifier: Apache-2.0 */
/* Signals and faults in words. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/record.h"

#define SIGNAL_TEXT_SIZE 24

/* "SIGSEGV", "signal 35". */
void signal_text(int32_t signal, char ret[static SIGNAL_TEXT_SIZE]);

/*
 * What si_code says of a fault that the kernel found: "not mapped", "integer division by zero"; NULL where it says
 * nothing. Codes as in the kernel's include/uapi/asm-generic/siginfo.h.
 */
const char *signal_fault_text(int32_t signal, int32_t code);

/* Its si_addr is an address of memory, or of the instruction; else it means nothing. */
bool signal_has_address(int32_t signal, int32_t code);

bool signal_is_null_pointer(int32_t signal, uint64_t address, int32_t code);

/* " at address 0x10: not mapped, a null pointer"; nothing where nothing is known. */
void signal_print_fault(FILE *out, int32_t signal, uint64_t address, int32_t code);
