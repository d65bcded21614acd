#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sbom.py ROOT VERSION: what the image holds and which Debian packages that comes from, as SPDX 2.3 (JSON) on standard output.

The same root gives the same bytes; SOURCE_DATE_EPOCH dates it.
"""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys

SUPPLIER = "Organization: Debian"


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def files_of(root):
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                yield "/" + os.path.relpath(path, root), sha256(path)


def candidates(path):
    """Names under which dpkg may know a file: Debian's packages still say /lib, which is a link."""
    return [path, os.path.realpath(path), re.sub("^/usr/lib", "/lib", path)]


def owners(paths):
    """(package, version, source, its version) by the path of a file of this machine, which was copied into the image."""
    asked = sorted({name for path in paths for name in candidates(path)})
    found = subprocess.run(["dpkg-query", "-S", *asked], capture_output=True, text=True, check=False).stdout
    package_of = {}
    for line in found.splitlines():
        names, _, path = line.rpartition(": ")
        package_of[path] = names.split(",")[0]
    packages = sorted(set(package_of.values()))
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version} ${source:Package} ${source:Version}\\n", *packages],
                           capture_output=True, text=True, check=True).stdout
    described = dict(zip(packages, map(lambda line: tuple(line.split()), shown.splitlines())))
    return {path: next((described[package_of[name]] for name in candidates(path) if name in package_of), None) for path in paths}


def spdx_id(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


def debian_package(package, version, source, source_version):
    return {
        "SPDXID": spdx_id("Package", package), "name": package, "versionInfo": version, "supplier": SUPPLIER,
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
        "sourceInfo": "built from source package %s %s" % (source, source_version),
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": "pkg:deb/debian/%s@%s" % (package, version)}]}


def document(root, version):
    own = spdx_id("Package", "nodewake")
    packages = {own: {"SPDXID": own, "name": "nodewake", "versionInfo": version, "downloadLocation": "NOASSERTION",
                      "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
                      "copyrightText": "NOASSERTION",
                      "comment": "the eBPF programs inside are GPL-2.0 or BSD-2-Clause"}}
    files, relations = [], [("SPDXRef-DOCUMENT", "DESCRIBES", own)]
    sums = dict(files_of(root))
    owned = owners([path for path in sums if not path.startswith(("/usr/bin/nodewake", "/etc/"))])
    for path, digest in sums.items():
        identity = spdx_id("File", path.strip("/"))
        files.append({"SPDXID": identity, "fileName": "." + path, "licenseConcluded": "NOASSERTION",
                      "copyrightText": "NOASSERTION", "checksums": [{"algorithm": "SHA256", "checksumValue": digest}]})
        holder = own
        if owned.get(path):
            found = debian_package(*owned[path])
            holder = found["SPDXID"]
            if holder not in packages:
                packages[holder] = found
                relations.append((own, "DYNAMIC_LINK", holder))
        relations.append((holder, "CONTAINS", identity))
    when = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    contents = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "nodewake-" + version,
            "documentNamespace": "https://nodewake.io/spdx/nodewake-%s-%s" % (version, contents[:16]),
            "creationInfo": {"created": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: deploy/image/sbom.py"]},
            "packages": list(packages.values()), "files": files,
            "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}
                              for a, kind, b in relations]}


if __name__ == "__main__":
    json.dump(document(*sys.argv[1:3]), sys.stdout, indent=1)
    print()
