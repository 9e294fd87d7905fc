"""Reads every file of a folder, in a process of its own."""

import sys
from functools import partial
from pathlib import Path

from refusals import tell

from pairgen.checkpoints import read_checkpoint

if __name__ == "__main__":
    files = sorted(Path(sys.argv[1]).iterdir())
    tell((file.name, partial(read_checkpoint, file)) for file in files)
