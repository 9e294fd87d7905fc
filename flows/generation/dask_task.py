"""What a Dask worker runs: one unit, by a maker that stays loaded for the next."""

import atexit
import platform
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from flows.generation.child_protocol import announced
from flows.generation.invalid_pairs import InvalidPairs
from flows.generation.unit import Unit
from flows.generation.work import Announcement, Work
from flows.json_lines import failed
from storage.digest import digest_of
from storage.errors import MismatchError, StoreError
from storage.folders import folder_at

if TYPE_CHECKING:
    from flows.generation.maker import Maker
from storage.redaction import Redacting


class _Loaded:
    """The maker of this process. Another work takes its place; units of one process wait for each other."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.said: list[str] = []
        self._stack, self._digest = ExitStack(), ""
        self._maker: "Maker | None" = None

    def maker(self, document: dict[str, Any], announcement: Announcement | None) -> "Maker":
        """The maker of this work, loaded unless the last unit was of it too."""
        # Imported here because it needs torch, and the client imports this file too.
        from flows.generation.prepared_maker import prepared_maker

        digest = digest_of(document)
        if self._maker is None or digest != self._digest:
            self.close()
            work = Work.read(document, say=self.said.append)
            # The client counts those of all workers; one alone may show that something is wrong.
            prepared = prepared_maker(
                work,
                InvalidPairs(work.num_indices).note,
                num_workers=1,
                num_shards=1,
                announcement=announcement,
            )
            self._maker, self._digest = self._stack.enter_context(prepared), digest
        return self._maker

    def close(self) -> None:
        """Give up claims, and free the teacher."""
        self._maker = None
        self._stack.close()
        self._stack = ExitStack()


_LOADED = _Loaded()
atexit.register(_LOADED.close)


def make_unit(
    clients_version: str, begun: dict[str, Any], split: str, shards: Sequence[int]
) -> dict[str, Any]:
    """Make a unit on this worker: {"made": unit, "said": sentences}, or what `failed` says of an error."""
    announcement = announced(begun)
    with _LOADED.lock:
        _LOADED.said.clear()
        try:
            with Redacting():
                _require_version(clients_version)
                made = _LOADED.maker(begun["work"], announcement).make(Unit(split, shards), _say)
        except (ValueError, StoreError) as error:
            return failed(error)
        return {"made": made.document(), "said": list(_LOADED.said)}


def _require_version(wanted: str) -> None:
    """A worker that joins late isn't asked for its standing before it gets work."""
    if (own := version("kdm-offline")) != wanted:
        raise MismatchError(
            f"the Dask worker on {platform.node()} has kdm-offline {own}, the command {wanted}; install "
            "the same version everywhere"
        )


def standing(home: str) -> dict[str, Any]:
    """What this worker runs, and whether it sees the home."""
    return {"version": version("kdm-offline"), "sees_home": folder_at(home).exists()}


def _say(message: int | str) -> None:
    if isinstance(message, str):
        _LOADED.said.append(message)
