# SPDX-License-Identifier: Apache-2.0
"""The list of what the image holds: all of it, with the Debian package that each library comes from."""

import hashlib
import json
import os
import subprocess

import pytest
from conftest import DEPLOY, run

PROGRAM = os.path.join(os.environ.get("BUILD", "build"), "nodewake")


@pytest.fixture(scope="module", name="image")
def image_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("image") / "root"
    run(DEPLOY + "/image/collect.sh", os.path.abspath(PROGRAM), str(root))
    return root


@pytest.fixture(scope="module", name="listed")
def spdx(image):
    return json.loads(run(DEPLOY + "/image/sbom.py", str(image), "1.2.3", env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000")))


def test_all_files_with_their_sums(image, listed):
    held = {os.path.join(folder, name) for folder, _, names in os.walk(image) for name in names}
    held = {"./" + os.path.relpath(path, image): path for path in held if not os.path.islink(path)}
    assert {file["fileName"] for file in listed["files"]} == set(held)
    for file in listed["files"]:
        with open(held[file["fileName"]], "rb") as content:
            assert file["checksums"] == [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(content.read()).hexdigest()}]


def test_each_library_has_its_package(listed):
    packages = {p["SPDXID"]: p for p in listed["packages"]}
    holder = {r["relatedSpdxElement"]: r["spdxElementId"] for r in listed["relationships"] if r["relationshipType"] == "CONTAINS"}
    for file in listed["files"]:
        package = packages[holder[file["SPDXID"]]]
        if ".so" in file["fileName"]:
            version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package["name"]], capture_output=True, text=True,
                                     check=True).stdout
            assert package["versionInfo"] == version and package["name"] != "nodewake", file["fileName"]
    assert {"libc6", "libbpf1", "libsqlite3-0"} <= {p["name"] for p in listed["packages"]}


def test_the_document_is_whole(listed):
    assert listed["spdxVersion"] == "SPDX-2.3" and listed["dataLicense"] == "CC0-1.0"
    assert listed["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    known = {"SPDXRef-DOCUMENT"} | {each["SPDXID"] for kind in ("packages", "files") for each in listed[kind]}
    assert len(known) == 1 + len(listed["packages"]) + len(listed["files"])
    for relation in listed["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= known
