# SPDX-License-Identifier: Apache-2.0
"""Plants the rows, many at a time, and compares what is told with what must be."""

import concurrent.futures
import time
import traceback

from . import cause
from .kernel_log import KernelLog
from .row import KINDS, differences

PARALLEL = 8


def _plant(place, row):
    try:
        return row.plant(place, row.name), ""
    except Exception:  # pylint: disable=broad-except
        return None, traceback.format_exc(limit=-3)


def plant(place, rows):
    """{row's name: (Planted, error)}; those that must be alone come last."""
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        jobs = {row.name: pool.submit(_plant, place, row) for row in rows if not row.alone}
        planted = {name: job.result() for name, job in jobs.items()}
    for row in rows:
        if row.alone:
            planted[row.name] = _plant(place, row)
    return planted


def _contradictions(record, kills):
    """What the kernel log says otherwise of an OOM kill."""
    victim = record["victims"][0]
    if record.get("killer"):
        return []
    seen = kills.get(victim["pid"])
    if not seen:
        return ["the kernel log has no kill of pid %d" % victim["pid"]]
    found = []
    if seen.get("comm", victim["comm"]) != victim["comm"]:
        found.append("the kernel log calls the victim %s" % seen["comm"])
    if seen.get("limit") and seen["limit"] != record.get("limit_path"):
        found.append("the kernel log says that the limit is of %s" % seen["limit"])
    return found


def judge(row, planted, records, kills):
    """(told cause, what is wrong)"""
    wrong = []
    own = {kind: [r for r in records[kind] if planted.owns(r)] for kind in KINDS}
    for kind in KINDS:
        wanted = row.tells.get(kind, [])
        if len(own[kind]) != len(wanted):
            wrong.append("%d records of %s, not %d" % (len(own[kind]), kind, len(wanted)))
        for number, (record, members) in enumerate(zip(own[kind], wanted)):
            wrong += ["%s %d: %s" % (kind, number, text) for text in differences(record, members, planted.facts)]
    for record in own["ooms"]:
        wrong += _contradictions(record, kills)
    told = cause.of_row(row, own)
    if told != ("nothing" if row.unknown else row.cause):
        wrong.insert(0, "the cause is %s" % told)
    return told, wrong, own


def run(place, rows, settle=20):
    """Outcomes, one for each row: {"row", "planted", "cause", "told", "wrong": [...]}. settle: seconds to wait for records."""
    log = KernelLog()
    rows = [row for row in rows if row.fits(place)]
    begin = time.monotonic()
    planted = plant(place, rows)
    took = time.monotonic() - begin
    end = time.monotonic() + settle * place.slow
    while True:
        records, kills = place.told(), log.kills()
        outcomes = []
        for row in rows:
            what, error = planted[row.name]
            told, wrong, own = judge(row, what, records, kills) if what else ("not planted", [error], {})
            outcomes.append({"row": row.name, "planted": row.planted, "cause": row.cause, "told": told, "wrong": wrong,
                             "unknown": row.unknown, "facts": what.facts if what else {}, "records": own, "kernel": [
                                 kills[r["victims"][0]["pid"]].get("line") for r in own.get("ooms", [])
                                 if r["victims"][0]["pid"] in kills]})
        if time.monotonic() > end or not any(outcome["wrong"] for outcome in outcomes if outcome["told"] != "not planted"):
            break
        time.sleep(1)
    for outcome in outcomes:
        outcome["why"] = place.why(outcome["row"])
    return outcomes, took
