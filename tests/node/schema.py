# SPDX-License-Identifier: Apache-2.0
"""docs/records.schema.json, for what the program under test prints."""

import json
import os

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHECKED_AT_ONCE = 20  # of a flood of records: enough to see each kind

with open(os.path.join(ROOT, "docs", "records.schema.json"), encoding="utf-8") as _file:
    VALIDATOR = jsonschema.Draft202012Validator(json.load(_file))


def check(records):
    """Raises jsonschema.ValidationError; returns the records."""
    for record in records[:CHECKED_AT_ONCE]:
        VALIDATOR.validate(record)
    return records
