# SPDX-License-Identifier: Apache-2.0
"""All rows."""

from . import rows_end, rows_memory, rows_start

ROWS = rows_memory.ROWS + rows_end.ROWS + rows_start.ROWS
assert len({row.name for row in ROWS}) == len(ROWS)
