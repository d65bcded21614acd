# SPDX-License-Identifier: Apache-2.0
"""What the recorded incidents give is as docs/records.schema.json says, and docs/records.md says the same as that."""
import glob
import json
import os

import jsonschema
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


SCHEMA = json.loads(load("docs", "records.schema.json"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
RECORDS = sorted(glob.glob(os.path.join(ROOT, "tests", "replay", "*.records.jsonl")))


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", RECORDS, ids=os.path.basename)
def test_records_are_valid(path):
    lines = load(path).splitlines()
    assert lines
    for line in lines:
        VALIDATOR.validate(json.loads(line))


@pytest.mark.parametrize("wrong", [
    {"type": "oom"}, {"type": "dead", "key": "k"}, {"type": "exit", "key": "k", "verdict": "dead"},
    {"type": "oom", "key": "k", "victims": [{"pid": "7"}]}, {"type": "exit", "key": "k", "fault_address": 16},
    {"type": "exit", "key": "k", "deaths": -1}])
def test_what_is_wrong_is_refused(wrong):
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(wrong)


def section(page, name):
    """From its heading to the next."""
    for mark in ("\n## ", "\n### "):
        at = page.find(mark + name + "\n")
        if at >= 0:
            end = page.find("\n#", at + len(mark))
            return page[at:end if end >= 0 else len(page)]
    raise AssertionError("docs/records.md has no section " + name)


def test_the_page_has_each_member():
    page = load("docs", "records.md")
    parts = [("All records", SCHEMA["properties"])]
    parts += [(name, part["properties"]) for name, part in SCHEMA["$defs"].items() if "properties" in part]
    for name, members in parts:
        rows = [line for line in section(page, name).splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == list(members), name
        for row, member in zip(rows, members.values()):
            assert member["description"].replace("|", "\\|") in row, row
            for word in member.get("enum", []):
                assert word == "none" or "`%s`" % word in row, row
