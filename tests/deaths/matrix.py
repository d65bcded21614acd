# SPDX-License-Identifier: Apache-2.0
"""The outcome in Markdown: the confusion matrix, and each row with what was told."""


def _matrix(places):
    """Planted down, told across; a cause's number is the same both ways."""
    counts = {}
    for outcomes in places.values():
        for outcome in outcomes:
            pair = (outcome["cause"], outcome["told"])
            counts[pair] = counts.get(pair, 0) + 1
    causes = list(dict.fromkeys(cause for cause, _ in counts))
    columns = causes + [told for told in dict.fromkeys(told for _, told in counts) if told not in causes]
    yield "| planted \\ told | " + " | ".join(str(i + 1) for i in range(len(columns))) + " |"
    yield "| --- |" + " ---: |" * len(columns)
    for number, cause in enumerate(causes):
        yield "| %d %s | %s |" % (number + 1, cause, " | ".join(str(counts.get((cause, told), "")) for told in columns))
    for number, told in enumerate(columns[len(causes):]):
        yield "| %d %s |%s" % (len(causes) + number + 1, told, " |" * len(columns))


def _told(outcome):
    if not outcome:
        return "–"
    if outcome["unknown"] and not outcome["wrong"]:
        return "nothing: " + outcome["unknown"]
    if outcome["told"] != outcome["cause"]:
        return "**%s**" % outcome["told"]
    return "right" if not outcome["wrong"] else "**%s**" % "; ".join(outcome["wrong"])


def _rows(places):
    by_name = {}
    for place, outcomes in places.items():
        for outcome in outcomes:
            by_name.setdefault(outcome["row"], {})[place] = outcome
    yield "| death | planted | cause | " + " | ".join(places) + " |"
    yield "| --- |" * (3 + len(places))
    for name, told in by_name.items():
        any_ = next(iter(told.values()))
        cells = [_told(told.get(place)).replace("|", "\\|").replace("\n", " ") for place in places]
        yield "| %s | %s | %s | %s |" % (name, any_["planted"], any_["cause"], " | ".join(cells))


def summary(outcomes):
    unknown = sum(bool(outcome["unknown"]) and not outcome["wrong"] for outcome in outcomes)
    wrong = sum(outcome["told"] != outcome["cause"] and bool(outcome["wrong"]) for outcome in outcomes)
    details = sum(bool(outcome["wrong"]) for outcome in outcomes)
    return "%d deaths, %d with a wrong cause, %d with anything wrong; %d can't be known, and nothing is told" % (
        len(outcomes), wrong, details, unknown)


def write_document(path, mark, told):
    """Into the document, between its marks."""
    with open(path, encoding="utf-8") as file:
        head, rest = file.read().split("<!-- %s -->\n" % mark)
    tail = rest.split("<!-- /%s -->\n" % mark)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write("%s<!-- %s -->\n%s\n<!-- /%s -->\n%s" % (head, mark, told.strip(), mark, tail))


def text(places):
    """places: {where: outcomes}."""
    lines = ["## Causes, planted and told", "", *_matrix(places), "", "## Each death", ""]
    lines += ["- %s: %s" % (place, summary(outcomes)) for place, outcomes in places.items()]
    return "\n".join(lines + ["", *_rows(places)]) + "\n"
