/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that only starting needed, or a listing of thousands of containers. To load a library is to read its symbols and
 * relocations, and to initialise it is to run code that is never run again: two thirds of an idle agent would be such pages.
 */
#pragma once

/* Frees what malloc keeps for later, if that has grown by some MB. Call it after something large. */
void memory_trim(void);

/*
 * memory_trim(), and the first time, when all is up: unmaps the pages of files that were only read (code, constants); what
 * is needed again comes back from the page cache, a fault each. Call it now and then.
 */
void memory_give_back(void);
