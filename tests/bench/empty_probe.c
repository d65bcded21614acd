// SPDX-License-Identifier: Apache-2.0
/*
 * empty_probe TRACEPOINT: a BPF program that does nothing, attached to a tracepoint until standard input ends. What the
 * kernel counts for its runs (kernel.bpf_stats_enabled) is the counting itself and the call: the part of every other
 * program's ns that is not that program's.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const struct bpf_insn does_nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int program = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "empty", "GPL", does_nothing,
				    sizeof(does_nothing) / sizeof(does_nothing[0]), NULL);
	int link = program < 0 || argc < 2 ? -1 : bpf_raw_tracepoint_open(argv[1], program);
	char byte;

	if (link < 0) {
		perror("empty_probe");
		return 1;
	}
	puts("attached");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	close(link);
	close(program);
	return 0;
}
