/* SPDX-License-Identifier: Apache-2.0 */
/* The figures that stand with a boot's steps, in words. Every ret_text holds CAUSE_SIZE bytes. */
#pragma once

#include "track/boot/boot_facts.h"

/* "300 MB at 12 MB/s, shared with 2 pulls" */
void boot_detail_pull(const struct boot_facts *facts, uint64_t bytes, struct span download,
		      struct span whole, char ret_text[static CAUSE_SIZE]);

/* "8.0s in CNI plugin slow-cni"; "" if none was seen */
void boot_detail_network(const struct record_start *start, char ret_text[static CAUSE_SIZE]);

/* Seconds since power-on, as the report counts: firmware and loader come before the boot clock's 0. */
double boot_detail_offset(const struct boot_facts *facts, uint64_t boot_ns);

/* "disk 22.1s, read llama-7b.gguf 3.8GiB at 174 MB/s"; "" where nothing is known */
void boot_detail_cause(const struct record_start *start, char ret_text[static CAUSE_SIZE]);

/* The same; where nothing is known, "it listened at +12.3s" */
void boot_detail_app(const struct boot_facts *facts, const struct boot_outline *start,
		     char ret_text[static CAUSE_SIZE]);

/* "probe asks every 30s, it listened at +12.3s" */
void boot_detail_probe(const struct boot_facts *facts, const struct boot_outline *start,
		       char ret_text[static CAUSE_SIZE]);

/* "exit code 3", "SIGSEGV", "killed for memory", "never started: ..." */
void boot_detail_death(const struct boot_start *start, char ret_text[static CAUSE_SIZE]);

/* "localhost:5000: dial tcp 127.0.0.1:5000: connect: connection refused": the registry, and the error's last words */
void boot_detail_image(const char *image, const char *message, char ret_text[static CAUSE_SIZE]);
