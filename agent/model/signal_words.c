// SPDX-License-Identifier: Apache-2.0
#include "model/signal_words.h"

#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

/* Nothing is ever mapped below mmap_min_addr, which is one page at least: an access there went through NULL. */
#define NULL_PAGE_SIZE 4096
/* of asm-generic/siginfo.h; the C library has no names for them */
#define SI_KERNEL_CODE	 128
#define SYS_SECCOMP_CODE 1

void signal_text(int32_t signal, char ret[static SIGNAL_TEXT_SIZE])
{
	const char *name = sigabbrev_np(signal);

	if (name && *name)
		snprintf(ret, SIGNAL_TEXT_SIZE, "SIG%s", name);
	else
		snprintf(ret, SIGNAL_TEXT_SIZE, "signal %" PRId32, signal);
}

static const struct {
	int32_t signal, code;
	const char *text;
} faults[] = {
	{SIGSEGV, SEGV_MAPERR, "not mapped"},
	{SIGSEGV, SEGV_ACCERR, "mapped, but not for this kind of access"},
	{SIGSEGV, SEGV_BNDERR, "out of the bounds that it set"},
	{SIGSEGV, SEGV_PKUERR, "its memory protection key forbids it"},
	{SIGSEGV, SI_KERNEL_CODE, "no canonical address, or a privileged instruction"},
	{SIGBUS, BUS_ADRALN, "not aligned"},
	{SIGBUS, BUS_ADRERR, "behind the end of the mapped file, or no room on its file system"},
	{SIGBUS, BUS_OBJERR, "a hardware error"},
	{SIGBUS, BUS_MCEERR_AR, "a memory error of the hardware"},
	{SIGBUS, BUS_MCEERR_AO, "a memory error of the hardware"},
	{SIGFPE, FPE_INTDIV, "integer division by zero"},
	{SIGFPE, FPE_INTOVF, "integer overflow"},
	{SIGFPE, FPE_FLTDIV, "division by zero"},
	{SIGFPE, FPE_FLTOVF, "overflow"},
	{SIGFPE, FPE_FLTUND, "underflow"},
	{SIGFPE, FPE_FLTRES, "inexact result"},
	{SIGFPE, FPE_FLTINV, "invalid operation"},
	{SIGFPE, FPE_FLTSUB, "subscript out of range"},
	{SIGILL, ILL_ILLOPC, "an instruction that doesn't exist"},
	{SIGILL, ILL_ILLOPN, "an invalid instruction"},
	{SIGILL, ILL_ILLADR, "an addressing mode that doesn't exist"},
	{SIGILL, ILL_ILLTRP, "an illegal trap"},
	{SIGILL, ILL_PRVOPC, "a privileged instruction"},
	{SIGILL, ILL_PRVREG, "a privileged register"},
	{SIGILL, ILL_COPROC, "a coprocessor error"},
	{SIGILL, ILL_BADSTK, "a stack error"},
	{SIGTRAP, TRAP_BRKPT, "a breakpoint"},
	{SIGSYS, SYS_SECCOMP_CODE, "a system call that its seccomp profile forbids"},
};

const char *signal_fault_text(int32_t signal, int32_t code)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (faults[i].signal == signal && faults[i].code == code)
			return faults[i].text;
	return NULL;
}

bool signal_has_address(int32_t signal, int32_t code)
{
	switch (signal) {
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
		return code != SI_KERNEL_CODE; /* a general protection fault has none */
	default:
		return false;
	}
}

bool signal_is_null_pointer(int32_t signal, uint64_t address, int32_t code)
{
	return signal == SIGSEGV && code == SEGV_MAPERR && address < NULL_PAGE_SIZE;
}

void signal_print_fault(FILE *out, int32_t signal, uint64_t address, int32_t code)
{
	const char *text = signal_fault_text(signal, code), *before = ": ";

	if (signal_has_address(signal, code)) {
		fprintf(out, " at address 0x%" PRIx64, address);
	} else if (text) {
		before = ", ";
	}
	if (text)
		fprintf(out, "%s%s", before, text);
	if (signal_is_null_pointer(signal, address, code))
		fputs(", a null pointer", out);
}
