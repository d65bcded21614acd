# SPDX-License-Identifier: Apache-2.0
"""Images from static programs, as docker archives: no registry, no download."""

import hashlib
import io
import json
import os
import tarfile

MACHINE = os.environ.get("MACHINE", os.uname().machine)  # whose the programs are


def _layer(files):
    """files: {path: bytes, (mode, bytes), str for a symbolic link, None for a directory}. Returns the layer's tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.mode, data = data if isinstance(data, tuple) else (0o755, data)
            if data is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o1777
            elif isinstance(data, str):
                info.type, info.linkname = tarfile.SYMTYPE, data
            else:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data) if isinstance(data, bytes) else None)
    return out.getvalue()


def write_archive(path, name, layers, entrypoint):
    """Writes a docker archive of the layers ([{path: bytes}]) under the name."""
    tars = [_layer(files) for files in layers]
    config = {
        "architecture": "amd64" if MACHINE == "x86_64" else "arm64",
        "os": "linux",
        "config": {"Entrypoint": entrypoint},
        "rootfs": {
            "type": "layers",
            "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars],
        },
    }
    manifest = [{
        "Config": "config.json",
        "RepoTags": [name],
        "Layers": ["layer%d.tar" % i for i in range(len(tars))],
    }]
    with tarfile.open(path, "w") as archive:
        members = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
        members.update({"layer%d.tar" % i: tar for i, tar in enumerate(tars)})
        for member, data in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def program(build, name):
    with open(os.path.join(build, "tests/programs", name), "rb") as file:
        return file.read()


def write_cast(build, path, name="localhost/cast:1"):
    write_archive(path, name, [{"cast": program(build, "cast")}], ["/cast"])


def write_plant(build, path, name="localhost/plant:1"):
    write_archive(path, name, [{"plant": program(build, "plant")}], ["/plant"])


def write_die(build, path, name="localhost/die:1"):
    """One way to die for each verb; beside it what can't be executed: a script without its interpreter, a program of
    another architecture (RISC-V), a text, an empty file, a directory, and one without the permission."""
    die = program(build, "die")
    foreign = die[:18] + b"\xf3\x00" + die[20:]
    write_archive(path, name, [{"die": die, "script": b"#!/nowhere/sh\n", "foreign": foreign, "text": b"no program\n", "empty": b"",
                                "folder": None, "forbidden": (0o644, die), "secret": (0o700, die)}], ["/die"])


def write_host(path, name="localhost/host:1"):
    """A root for this machine's programs: its /usr and /etc are to be mounted there."""
    links = {part: "usr/" + part for part in ("bin", "sbin", "lib", "lib64")}
    folders = dict.fromkeys(("usr", "etc", "tmp", "var", "var/lib", "var/log", "var/log/nginx", "var/lib/nginx", "run", "data"))
    write_archive(path, name, [{**links, **folders}], [])


def write_pause(build, path, name="localhost/pause:1"):
    write_archive(path, name, [{"pause": program(build, "cast")}], ["/pause"])


def write_big(build, path, name, megabytes):
    """The cast with random layers on top: one of the given size, two small ones."""
    layers = [{"cast": program(build, "cast")}]
    layers += [{"data/%d" % i: os.urandom(size)} for i, size in enumerate((megabytes << 20, 1 << 20, 1 << 16))]
    write_archive(path, name, layers, ["/cast"])
