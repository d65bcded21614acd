#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Puts what `make check-programs` left in $BUILD/explain between the markers of docs/explain-programs.md."""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "../../docs/explain-programs.md")


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    for name in re.findall(r"<!-- (\w+) -->", page):
        with open("%s/explain/%s.txt" % (build, name), encoding="utf-8") as file:
            text = "<!-- %s -->\n```\n%s\n```\n<!-- /%s -->" % (name, file.read().strip(), name)
        page = re.sub(r"<!-- %s -->.*<!-- /%s -->" % (name, name), lambda _, text=text: text, page, flags=re.S)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)


if __name__ == "__main__":
    main()
