"""The root file system of the image, made by the script that the Dockerfile runs, once for all tests."""

import functools
import tempfile
from pathlib import Path

from chart import ROOT
from gateway import BINARY

from rehearsal.node import run


class Image:
    entrypoint = ["/switchyard"]

    def __init__(self, root):
        self.root = root


@functools.cache
def folder():
    """Where all of the rehearsal is kept; it goes with this process."""
    return tempfile.TemporaryDirectory(prefix="switchyard-rehearsal-")


@functools.cache
def built():
    root = Path(folder().name) / "rootfs"
    run(str(ROOT / "config" / "image" / "rootfs"), str(root), str(BINARY))
    return Image(root)
