# SPDX-License-Identifier: Apache-2.0
"""One row of the table: how a death is planted, and what must be told of it."""

import dataclasses

KINDS = ("ooms", "exits", "children")


@dataclasses.dataclass
class Row:
    """planted: for people. cause: its place in the matrix. about: the kind of record that tells the cause.

    plant(place, name): does it, returns the facts of Planted. tells: for each kind the records that must be there, in
    order of time, as {member: value}: "a.0.b" goes down, "$pid" is one of the facts, a function says whether it's right, of "." the whole record;
    a kind that is not there must have none. version: 1 or 2 where it is of one cgroup version only; alone: with no other at
    its side; virtual: only in a machine of its own. unknown: why nodewake can't tell of it, where that is
    so: then it must tell nothing.
    """
    name: str
    planted: str
    cause: str
    about: str
    plant: object
    tells: dict
    version: int = 0
    alone: bool = False
    virtual: bool = False
    unknown: str = ""

    def fits(self, place):
        return self.version in (0, place.version) and (place.virtual or not self.virtual)


def member(record, path):
    """What stands there; JSON leaves out what is 0, false or empty."""
    at = record
    for word in path.split("."):
        if isinstance(at, list):
            at = at[int(word)] if int(word) < len(at) else None
        else:
            at = at.get(word) if isinstance(at, dict) else None
        if at is None:
            return None
    return at


def differences(record, wanted, facts):
    """What is wrong with this record, in words."""
    found = []
    for path, value in wanted.items():
        told = record if path == "." else member(record, path)
        if isinstance(value, str) and value.startswith("$"):
            value = facts[value[1:]]
        if callable(value):
            right = value(told)
            value = value.__doc__ or value.__name__
        else:
            right = told == value or (not value and told is None)
        if not right:
            found.append("%s is %r, not %s" % (path, told, value if isinstance(value, str) else repr(value)))
    return found
