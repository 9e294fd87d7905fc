"""A claim: a small file next to a piece of work in progress, so that a second run waits for the first.

It only saves work: both runs would write the same bytes, so a claim that is lost, or taken over
from a holder who still lives, costs time and never data.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from flows.claim_file import (
    BEATS_IN_SPAN,
    Claim,
    ClaimFile,
    claim_span,
    has_died,
    holder_is_stopped,
    is_claim,
    is_here,
    own_claim,
    process_number,
)
from flows.lane import require_going_on
from storage.errors import StoreError
from storage.folders import Folder

FILE = "claim.json"
_LOOK_EVERY = 2.0  # seconds between two looks of a waiting process
_SAY_EVERY = 600.0
_LOOK_FOR_RESULT_EVERY = 30.0  # this may read all weights


class HeldError(StoreError):
    """Another process is doing this work, so it's left to that process."""


class HangingError(StoreError):
    """Another process of this machine holds this work and seems to hang."""


@contextmanager
def claimed(
    folder: Folder,
    what: str,
    *,
    is_there: Callable[[], bool],
    say: Callable[[str], None],
    waits: bool = True,
) -> Iterator[bool]:
    """Be the only run, on this and other machines, that works here. Yields whether work is left.

    If another run works here, wait until it has ended or died, or the result is there; without
    `waits` raise a `HeldError` once it is known to live. One on this machine without a sign of life
    is a `HangingError`: only the user can tell whether it will go on.
    """
    own, file = own_claim(), ClaimFile(folder, FILE)
    try:
        is_taken = _take(file, own, _Wait(what, say, waits), is_there)
    except (StoreError, OSError):  # a full disk may fail after the file is in its place
        _give_up(folder, own)
        raise
    if not is_taken:
        yield False
        return
    has_ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(file, own, has_ended), daemon=True)
    beating.start()
    try:
        yield not is_there()  # the one before may have ended it
    finally:
        has_ended.set()
        beating.join()
        _give_up(folder, own)


def end_claim_of_dead(folder: Folder) -> None:
    """When all work is done: remove the claim of a process of this machine that died before removing it."""
    with suppress(StoreError, OSError):  # a read-only home keeps it, which is harmless
        holder = ClaimFile(folder, FILE).holder()
        if holder and has_died(holder):
            folder.remove(FILE)


def _give_up(folder: Folder, own: Claim) -> None:
    """Remove our claim, and the folder if only the claim created it."""
    with suppress(StoreError, OSError):
        file = ClaimFile(folder, FILE)
        if file.is_own(own):
            file.give_up(own)
            if folder.is_local:
                folder.local_path().rmdir()  # an OSError if anything is in it


@dataclass
class _Wait:
    """What a waiting process has seen of the holder."""

    what: str
    say: Callable[[str], None]
    waits: bool
    _seen: Claim | None = None
    _has_changed: bool = False  # since it was seen first, so that somebody lives
    _changed_at: float = field(default_factory=time.monotonic)
    _said_at: float = -_SAY_EVERY

    def is_over(self, holder: Claim) -> bool:
        """Whether this holder is gone; else prints what this run waits for, or ends the wait."""
        now = time.monotonic()
        if not is_claim(holder):
            return True
        if holder != self._seen:
            self._has_changed = self._seen is not None
            self._seen, self._changed_at = holder, now
        is_local, is_silent = is_here(holder), now - self._changed_at > claim_span()
        if has_died(holder) if is_local else is_silent:
            return True
        if is_silent:
            raise HangingError(f"{self._who(holder)}, and shows no sign of life; {_remedy(holder)}")
        if not self.waits and (is_local or self._has_changed):
            raise HeldError(f"{self._who(holder)}; leaving it to that process")
        if now - self._said_at >= _SAY_EVERY:
            self._said_at = now
            self.say(f"{self._who(holder)}; waiting for it to finish (Ctrl-C stops waiting)")
        return False

    def _who(self, holder: Claim) -> str:
        stopped = " (it is stopped, as by Ctrl-Z)" if holder_is_stopped(holder) else ""
        return (
            f"{self.what}: process {process_number(holder)} on {holder.get('machine')} has been at it since "
            f"{holder.get('since')}{stopped}"
        )


def _take(file: ClaimFile, own: Claim, wait: _Wait, is_there: Callable[[], bool]) -> bool:
    """Whether the claim was taken; it isn't if the result is there by then."""
    due = time.monotonic() + _LOOK_FOR_RESULT_EVERY
    while not file.create(own):
        require_going_on()
        holder = file.holder()
        if holder is not None and wait.is_over(holder) and file.take_over(own):
            return True
        if time.monotonic() >= due:
            if is_there():
                return False
            due = time.monotonic() + _LOOK_FOR_RESULT_EVERY
        time.sleep(_LOOK_EVERY)
    return True


def _beat(file: ClaimFile, own: Claim, has_ended: threading.Event) -> None:
    num_beats = 0
    while not has_ended.wait(claim_span() / BEATS_IN_SPAN):
        num_beats += 1
        file.renew(own, num_beats)


def _remedy(holder: Claim) -> str:
    number = process_number(holder)
    go_on = f"let it go on ('kill -CONT {number}') or " if holder_is_stopped(holder) else ""
    return f"{go_on}end it ('kill -9 {number}'), then run the same command again"
