"""The entry point of `kdm`: it first takes the current folder off the path of modules.

PYTHONPATH may name that folder, most often by the empty entry that `$PYTHONPATH:/more` leaves; a `random.py`
or another package `kdm` there would then be imported instead of the standard library's and ours.
"""

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_OURS = str(Path(__file__).resolve().parents[1])


def main() -> NoReturn:
    """Run the command with installed modules only."""
    with suppress(FileNotFoundError):  # the current folder was removed
        here = os.path.realpath(os.curdir)
        if here != _OURS:
            sys.path[:] = [each for each in sys.path if os.path.realpath(each) != here]
    # A run imports some thousand modules and ends; the search for garbage among them is a tenth of that.
    gc.set_threshold(100_000)
    from flows.cli import main as run
    from storage.startup import end_without_search

    end_without_search()
    run()
