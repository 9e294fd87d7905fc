"""One claim: a small file that says which process is making what.

It's created exclusively and renewed while its owner lives. Another process may take it over once it hasn't
changed for `claim_span()` by that process's own clock: the clocks of two machines are never compared. A claim
saves work and never decides it: two owners would write the same bytes.
"""

import json
import os
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flows.process import identity, is_alive, is_stopped, place_of_processes
from storage.errors import StoreError
from storage.folders import Folder

Claim = dict[str, Any]
SPAN_VARIABLE = "KDM_CLAIM_SPAN"
DEFAULT_SPAN = 150.0  # seconds
BEATS_IN_SPAN = 5  # renewals; four may be late or lost
_MAX_BYTES = 4096
_NUM_TRIES = 5
SETTLE = 0.5  # seconds in which two processes that take over at once see who came last


def claim_span() -> float:
    """Seconds without a renewal after which a claim may be taken over."""
    text = os.environ.get(SPAN_VARIABLE, "")
    try:
        span = float(text) if text else DEFAULT_SPAN
    except ValueError:
        span = 0.0
    if not 0 < span < 1e6:
        raise ValueError(
            f"{SPAN_VARIABLE} is {text[:40]!r}; it must be a number of seconds, as 150"
        )
    return span


def own_claim(**more: Any) -> Claim:
    """A claim of this process; `more` is kept for those who look at it."""
    machine, processes = place_of_processes()
    return {
        "token": uuid.uuid4().hex,
        "machine": machine,
        "processes": processes,
        "process": identity(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        **more,
    }


@dataclass(frozen=True)
class ClaimFile:
    """The file of one claim."""

    folder: Folder
    name: str

    def create(self, own: Claim) -> bool:
        """Claim what nobody has claimed; False if somebody has."""
        for _ in range(_NUM_TRIES - 1):
            # Another process may have removed the folder, which was empty, as this one wrote into it.
            with suppress(FileNotFoundError):
                return self.folder.create(self.name, _bytes(own, 0))
        return self.folder.create(self.name, _bytes(own, 0))

    def take_over(self, own: Claim) -> bool:
        """Claim what a dead or silent process has claimed; False if another process did so too, and later."""
        self.folder.replace(self.name, _bytes(own, 0))
        time.sleep(SETTLE)
        return self.is_own(own)

    def renew(self, own: Claim, num_beats: int) -> None:
        """Give a sign of life; one that can't be given now is given next time."""
        with suppress(StoreError, OSError):
            if self.is_own(own):
                self.folder.replace(self.name, _bytes(own, num_beats))

    def give_up(self, own: Claim) -> None:
        """Remove the claim if it's still ours."""
        with suppress(StoreError, OSError):
            if self.is_own(own):
                self.folder.remove(self.name)

    def remove(self) -> None:
        """Remove it, whoever's it is; a read-only home keeps it, which costs time only."""
        with suppress(StoreError, OSError):
            self.folder.remove(self.name)

    def is_own(self, own: Claim) -> bool:
        """Whether nobody has taken it over."""
        holder = self.holder()
        return holder is not None and bool(holder.get("token") == own["token"])

    def holder(self) -> Claim | None:
        """Who holds the claim: {} if the file isn't a claim, None if it's gone."""
        try:
            found = json.loads(self.folder.read(self.name, at_most=_MAX_BYTES))
        except FileNotFoundError:
            return None
        except (StoreError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def is_claim(holder: Claim) -> bool:
    """Whether it's a claim that this file's writers make."""
    return "token" in holder


def is_here(holder: Claim) -> bool:
    """Whether the holder's process, if it lives, is one of those that this process sees."""
    machine, processes = place_of_processes()
    return holder.get("machine") == machine and holder.get("processes", processes) == processes


def has_died(holder: Claim) -> bool:
    """Whether the holder is a process of this machine that has ended; of others that can't be known."""
    return is_here(holder) and not is_alive(str(holder.get("process")))


def holder_is_stopped(holder: Claim) -> bool:
    """Whether the holder is a process of this machine that is stopped, as by Ctrl-Z."""
    return is_here(holder) and is_stopped(str(holder.get("process")))


def process_number(holder: Mapping[str, Any]) -> str:
    """The number of the holder's process."""
    return str(holder.get("process")).partition(":")[0]


def _bytes(claim: Claim, num_beats: int) -> bytes:
    return (json.dumps({**claim, "beats": num_beats}, sort_keys=True) + "\n").encode()
