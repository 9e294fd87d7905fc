"""A claim: a small file next to a piece of work in progress, so that a second run waits for the first.

It only saves work: both runs would write the same bytes, so a claim that is lost, or taken over
from a holder who still lives, costs time and never data.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from flows.process import identity, is_alive, is_stopped, place_of_processes
from storage.errors import StoreError
from storage.folders import Folder

FILE = "claim.json"
_MAX_BYTES = 4096
_LOOK_EVERY = 2.0  # seconds between two looks of a waiting process
_BEAT_EVERY = 30.0  # seconds between two signs of life of a working process
# A holder that is silent for this long, by the waiting process's clock, is gone or hangs.
_STALE_AFTER = 5 * _BEAT_EVERY
_SAY_EVERY = 600.0
_LOOK_FOR_RESULT_EVERY = 30.0  # this may read all weights
_SETTLE = 0.5  # seconds in which two processes that take over at once see who came last

Claim = dict[str, Any]


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

    Where another is at it, wait until that has ended or died, or what this one wants is there; without
    `waits` raise a `HeldError` once it is known to live. One of this machine that gives no sign of life
    is a `HangingError`: only the user can tell whether it will go on.
    """
    own = _own_claim()
    try:
        is_taken = _take(folder, own, _Wait(what, say, waits), is_there)
    except (StoreError, OSError):  # a full disk may fail after the file is in its place
        _give_up(folder, own)
        raise
    if not is_taken:
        yield False
        return
    has_ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(folder, own, has_ended), daemon=True)
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
        holder = _holder(folder)
        if holder and _is_here(holder) and not is_alive(str(holder.get("process"))):
            folder.remove(FILE)


def _give_up(folder: Folder, own: Claim) -> None:
    """Remove our claim, and the folder if only the claim created it."""
    with suppress(StoreError, OSError):
        if _is_own(folder, own):
            folder.remove(FILE)
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
        """Whether this holder is gone; else says what is waited for, or raises what ends the waiting."""
        now = time.monotonic()
        if "token" not in holder:  # no claim that this file's writers make
            return True
        if holder != self._seen:
            self._has_changed = self._seen is not None
            self._seen, self._changed_at = holder, now
        is_here, is_silent = _is_here(holder), now - self._changed_at > _STALE_AFTER
        is_gone = not is_alive(str(holder.get("process"))) if is_here else is_silent
        if is_gone:
            return True
        if is_silent:
            raise HangingError(f"{self._who(holder)}, and shows no sign of life; {_remedy(holder)}")
        if not self.waits and (is_here or self._has_changed):
            raise HeldError(f"{self._who(holder)}; leaving it to that process")
        if now - self._said_at >= _SAY_EVERY:
            self._said_at = now
            self.say(f"{self._who(holder)}; waiting for it to finish (Ctrl-C stops waiting)")
        return False

    def _who(self, holder: Claim) -> str:
        stopped = " (it is stopped, as by Ctrl-Z)" if _is_stopped(holder) else ""
        return (
            f"{self.what}: process {_number(holder)} on {holder.get('machine')} has been at it since "
            f"{holder.get('since')}{stopped}"
        )


def _take(folder: Folder, own: Claim, wait: _Wait, is_there: Callable[[], bool]) -> bool:
    """Whether the claim was taken; not where what was to be made is there by then."""
    due = time.monotonic() + _LOOK_FOR_RESULT_EVERY
    while not folder.create(FILE, _bytes(own, 0)):
        holder = _holder(folder)
        if holder is not None and wait.is_over(holder):
            folder.replace(FILE, _bytes(own, 0))
            time.sleep(_SETTLE)
            if _is_own(folder, own):
                return True
        if time.monotonic() >= due:
            if is_there():
                return False
            due = time.monotonic() + _LOOK_FOR_RESULT_EVERY
        time.sleep(_LOOK_EVERY)
    return True


def _beat(folder: Folder, own: Claim, has_ended: threading.Event) -> None:
    num_beats = 0
    while not has_ended.wait(_BEAT_EVERY):
        num_beats += 1
        # A sign that cannot be given now is given next time.
        with suppress(StoreError, OSError):
            if _is_own(folder, own):
                folder.replace(FILE, _bytes(own, num_beats))


def _own_claim() -> Claim:
    machine, processes = place_of_processes()
    return {
        "token": uuid.uuid4().hex,
        "machine": machine,
        "processes": processes,
        "process": identity(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S %z"),
    }


def _is_here(holder: Claim) -> bool:
    """Whether its process, if it lives, is one of those that this one sees."""
    machine, processes = place_of_processes()
    return holder.get("machine") == machine and holder.get("processes", processes) == processes


def _is_stopped(holder: Claim) -> bool:
    return _is_here(holder) and is_stopped(str(holder.get("process")))


def _remedy(holder: Claim) -> str:
    number = _number(holder)
    go_on = f"let it go on ('kill -CONT {number}') or " if _is_stopped(holder) else ""
    return f"{go_on}end it ('kill -9 {number}'), then run the same command again"


def _number(holder: Claim) -> str:
    return str(holder.get("process")).partition(":")[0]


def _holder(folder: Folder) -> Claim | None:
    """Who holds the claim: {} if the file isn't a claim, None if it's gone."""
    try:
        found = json.loads(folder.read(FILE, at_most=_MAX_BYTES))
    except FileNotFoundError:
        return None
    except (StoreError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_own(folder: Folder, own: Claim) -> bool:
    holder = _holder(folder)
    return holder is not None and bool(holder.get("token") == own["token"])


def _bytes(claim: Claim, num_beats: int) -> bytes:
    return (json.dumps({**claim, "beats": num_beats}, sort_keys=True) + "\n").encode()
