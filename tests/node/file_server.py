# SPDX-License-Identifier: Apache-2.0
"""A file system without a disk, with one file, model.bin: tests/programs/fuse-file."""

import os
import subprocess
import tempfile
from contextlib import contextmanager

from .processes import end, wait_until


@contextmanager
def file_server(node, *words):
    """Its folder, while the block runs. words: fuse-file's, behind the folder."""
    folder = tempfile.mkdtemp(dir=node.dir)
    process = subprocess.Popen([node.build + "/tests/programs/fuse-file", folder, *words])
    try:
        wait_until(lambda: os.path.exists(folder + "/model.bin"), 5, "the file")
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)
        end(process)
