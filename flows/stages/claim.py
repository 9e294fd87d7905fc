"""Who is at a training: a small file beside its checkpoints, so that a second run waits for the first.

It saves work and guards nothing: both would write the same bytes, so a claim that is lost, or taken over
from a holder who still lives, costs time and never data.
"""

import json
import platform
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from flows.process import identity, is_alive
from storage.errors import StoreError
from storage.fs import Folder

FILE = "claim.json"
_MAX_BYTES = 4096
_LOOK_EVERY = 2.0  # seconds between two looks of who waits
_BEAT_EVERY = 30.0  # seconds between two signs of life of who works
# A holder on another machine that gives no sign for so long, by the waiting machine's clock, is gone.
_STALE_AFTER = 5 * _BEAT_EVERY
_SAY_EVERY = 600.0
_SETTLE = 0.5  # seconds in which two that take over at once see who came last

Claim = dict[str, Any]


@contextmanager
def claimed(folder: Folder, what: str, *, say: Callable[[str], None]) -> Iterator[None]:
    """Be the one run of this machine and of others that works here; wait where another does.

    What the other has made is there afterwards: look once more before working.
    """
    own: Claim = {"token": uuid.uuid4().hex, "machine": platform.node(), "process": identity()}
    own["since"] = time.strftime("%Y-%m-%d %H:%M:%S %z")
    _take(folder, own, what, say)
    has_ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(folder, own, has_ended), daemon=True)
    beating.start()
    try:
        yield
    finally:
        has_ended.set()
        beating.join()
        with suppress(StoreError, OSError):
            if _is_own(folder, own):
                folder.remove(FILE)


def _take(folder: Folder, own: Claim, what: str, say: Callable[[str], None]) -> None:
    seen: Claim | None = None
    seen_at = said_at = -_SAY_EVERY
    while not folder.create(FILE, _bytes(own, 0)):
        holder, now = _holder(folder), time.monotonic()
        if holder != seen:
            seen, seen_at = holder, now
        if holder is not None and _is_gone(holder, silent_for=now - seen_at):
            folder.replace(FILE, _bytes(own, 0))
            time.sleep(_SETTLE)
            if _is_own(folder, own):
                return
        elif holder is not None and now - said_at >= _SAY_EVERY:
            said_at = now
            say(_waiting(what, holder))
        time.sleep(_LOOK_EVERY)


def _is_gone(holder: Claim, *, silent_for: float) -> bool:
    if holder.get("machine") == platform.node():
        return not is_alive(str(holder.get("process")))
    return silent_for > _STALE_AFTER


def _beat(folder: Folder, own: Claim, has_ended: threading.Event) -> None:
    num_beats = 0
    while not has_ended.wait(_BEAT_EVERY):
        num_beats += 1
        # A sign that cannot be given now is given next time.
        with suppress(StoreError, OSError):
            if _is_own(folder, own):
                folder.replace(FILE, _bytes(own, num_beats))


def _waiting(what: str, holder: Claim) -> str:
    process = str(holder.get("process")).partition(":")[0]
    return (
        f"{what}: process {process} on {holder.get('machine')} has been at it since "
        f"{holder.get('since')}; waiting for it to end (Ctrl-C leaves it alone)"
    )


def _holder(folder: Folder) -> Claim | None:
    """Who holds the claim; nobody that is known where it is no claim, and None where it is gone."""
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
