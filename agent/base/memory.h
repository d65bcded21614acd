/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that only starting needed. To load a library is to read its symbols and relocations, and to
 * initialise it is to run code that is never run again: two thirds of an idle agent would be such
 * pages.
 */
#pragma once

/*
 * Unmaps the pages of files that were only read (code, constants); what is needed again comes back
 * from the page cache, a fault each. Frees what malloc keeps for later, too. Call it when all is up.
 */
void memory_give_back(void);
