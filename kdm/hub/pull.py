"""Brings a thing from the Hub to a home: listed, fetched, verified, and only then under its name.

Until then it lies in a hidden folder beside its place (kdm/hub/staging.py). A pull that was interrupted goes
on there, and brings no file again that is whole.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from kdm.hub.arrivals import PARTS, Arrivals, Report
from kdm.hub.bill import README, Bill, Listed
from kdm.hub.file_digests import sha256_of_file
from kdm.hub.offer import Offer
from kdm.hub.soundness import require_sound
from kdm.hub.staging import alone_in, staging_of
from storage.digest import NAME_DIGITS
from storage.errors import DamageError, MismatchError
from storage.folders import Folder, folder_at
from storage.folders.exclusive import sync_folder

_CARD = "card.md"
_MAX_CARD_BYTES = 2**22
_NAME = re.compile(rf"([A-Za-z0-9][A-Za-z0-9._-]{{0,199}}?)(?:-([0-9a-f]{{{NAME_DIGITS}}}))?")
# A set that grew: whoever reads meanwhile finds every shard before its record, and both before a manifest.
_ORDER = ("shards", "records", "manifests")


class Plan(NamedTuple):
    """What a pull will do; nothing is written yet."""

    bill: Bill  # under the name that the thing gets here
    folder: Folder
    new: tuple[str, ...]  # the files that it lacks

    @property
    def num_bytes(self) -> int:
        """Of those files."""
        return sum(self.bill.files[path].num_bytes for path in self.new)


class Pulled(NamedTuple):
    """What a pull did."""

    folder: Folder
    commit: str  # the one that was pulled; `revision` may move on
    num_files: int  # that were brought
    num_bytes: int


def planned(offer: Offer, home: Folder, *, name: str = "", replaces: bool = False) -> Plan:
    """What bringing this to a home takes: what is there already isn't brought again.

    Raises a ValueError for a name or a home that can't be, a StoreError if it doesn't fit, and a
    MismatchError if the home has something else of that name (unless `replaces`).
    """
    bill = _named(offer.bill, name)
    kind = offer.repository.address.folder
    new = _new_files(_local(home) / kind / bill.name, bill, replaces=replaces)
    plan = Plan(bill, home / kind / bill.name, tuple(new))
    if new:
        home.require_space(plan.num_bytes, f"{bill.name} of {offer.repository.url}")
    return plan


def pull(
    offer: Offer,
    home: Folder,
    *,
    name: str = "",
    replaces: bool = False,
    report: Report = lambda done, total: None,
) -> Pulled:
    """Bring what is offered to a home, as NAME-DIGEST.

    Raises as `planned`, and a DamageError that names the files which aren't what they should be.
    """
    bill, place, new = plan = planned(offer, home, name=name, replaces=replaces)
    target = place.local_path()
    if not new and target.exists():
        return Pulled(place, offer.commit, 0, 0)
    staging = staging_of(target)
    with alone_in(staging):
        _reuse(target, staging, bill, new)
        _bring(offer, bill, staging, report)
        _place(staging, target, new, is_whole=len(new) == len(bill.files))
    return Pulled(place, offer.commit, len(new), plan.num_bytes)


def _local(home: Folder) -> Path:
    if not home.is_local:
        raise ValueError(
            f"{home.url} isn't on a disk, and a pull verifies what arrives on one first; name a home on a "
            "disk with --home, and copy the folder afterwards"
        )
    return home.local_path()


def _named(bill: Bill, name: str) -> Bill:
    """The bill under the name that it gets here; the digest stays."""
    if not name:
        return bill
    match, digits = _NAME.fullmatch(name), bill.name[-NAME_DIGITS:]
    if match is None:
        raise ValueError(f"{name[:80]!r} is not a name: use letters, digits, '-', '_' and '.'")
    if match[2] not in (None, digits):
        raise MismatchError(
            f"the repository holds {bill.name}, not {name}: its digest is {digits}; leave NAME out, or name "
            "another repository"
        )
    return replace(bill, name=f"{match[1]}-{digits}")


def _new_files(target: Path, bill: Bill, *, replaces: bool) -> list[str]:
    """The files that aren't at their place; a MismatchError if another one is in the place of any."""
    new = [path for path in bill.files if not (target / path).exists()]
    there = [path for path in bill.files if (target / path).exists()]
    differing = [path for path in there if sha256_of_file(target / path) != bill.files[path].sha256]
    # A set may grow; a model with another file is another one.
    is_another = bool(differing or (new and bill.kind != "pairs"))
    if not target.exists() or (replaces and is_another):
        return list(bill.files)
    if differing:
        raise MismatchError(
            f"{target} is there and differs from the repository's, first in {differing[0]}; pull under "
            "another name with NAME, or remove it with 'kdm rm'"
        )
    if new and bill.kind != "pairs":
        raise MismatchError(f"{target} is there and lacks {new[0]}; remove it with 'kdm rm' first")
    return new


def _reuse(target: Path, staging: Path, bill: Bill, new: Sequence[str]) -> None:
    """Link what the home has already, so that a set that grew is verified whole."""
    for path in set(bill.files).difference(new):
        if not (staging / path).exists():
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            os.link(target / path, staging / path)


def _bring(offer: Offer, bill: Bill, staging: Path, report: Report) -> None:
    arrivals = Arrivals(offer.repository, offer.commit, staging)
    _remove_strangers(staging, bill.files)
    arrivals.bring(bill.files, report)
    if README in offer.remote:
        there = offer.remote[README]
        card = offer.repository.small_file(README, offer.commit, there, at_most=_MAX_CARD_BYTES)
        (staging / _CARD).write_bytes(card)
    shutil.rmtree(staging / PARTS, ignore_errors=True)
    try:
        require_sound(folder_at(str(staging)), bill)
    except DamageError as error:
        # Under names that match their listed digests: the repository itself is wrong.
        shutil.rmtree(staging)
        said = str(error).replace(f"{staging}/", "")
        raise DamageError(f"{offer.repository.url}: {said}") from error


def _remove_strangers(staging: Path, files: Mapping[str, Listed]) -> None:
    """Files that an earlier pull of another revision has left."""
    for file in [each for each in staging.rglob("*") if each.is_file() or each.is_symlink()]:
        path = file.relative_to(staging).as_posix()
        if path not in files and not path.startswith(f"{PARTS}/"):
            file.unlink()


def _place(staging: Path, target: Path, new: Sequence[str], *, is_whole: bool) -> None:
    """Give the verified folder its name, or add what a set has gained in the order of writing."""
    if is_whole:
        shutil.rmtree(target, ignore_errors=True)  # one that is to be replaced
        os.rename(staging, target)
        sync_folder(target.parent)
        return
    for path in sorted(new, key=_order):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        os.replace(staging / path, target / path)
    if (staging / _CARD).exists():
        os.replace(staging / _CARD, target / _CARD)
    shutil.rmtree(staging)


def _order(path: str) -> tuple[int, str]:
    parts = path.split("/")
    found = [number for number, name in enumerate(_ORDER) if name in parts[2:3]]
    return (found[0] if found else 0, path)
