"""`kdm pull`: brings pairs, a student or a teacher from the Hub to a home."""

import os

import typer

from flows.home import home_folder
from flows.table import many, num_bytes, say_document
from flows.terminal import counting
from kdm.hub.hub_address import HubAddress, Kind
from kdm.hub.offer import Offer, look
from kdm.hub.pull import Plan, Pulled, planned, pull
from storage.folders import Folder

_CLIENT = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_VERBOSITY": "error"}
_MOST_WORDS = 2


def pull_thing(
    kind: Kind, place: list[str], home: str, *, revision: str, is_dry: bool, as_json: bool
) -> None:
    """Bring what a repository holds, verified; a dry run only says what that would be."""
    if len(place) > _MOST_WORDS:
        raise ValueError(
            f"{' '.join(place)[:120]!r}: name one repository, and NAME before it or none"
        )
    for variable, value in _CLIENT.items():
        os.environ.setdefault(variable, value)
    address, folder = HubAddress.named(kind, place[-1], revision), home_folder(home)
    offer = look(address)
    name = place[0] if len(place) == _MOST_WORDS else ""
    if is_dry:
        plan = planned(offer, folder, name=name)
        document, said = _document(offer, plan.folder, None), _would(offer, plan)
    else:
        with counting("pull", offer.bill.name, "bytes") as report:
            pulled = pull(offer, folder, name=name, report=report)
        document, said = _document(offer, pulled.folder, pulled), _sentence(offer, pulled)
    if as_json:
        say_document(document)
    else:
        typer.echo(said)


def _document(offer: Offer, folder: Folder, pulled: Pulled | None) -> dict[str, object]:
    return {
        "kind": offer.bill.kind,
        "name": folder.name,
        "digest": offer.bill.digest,
        "url": offer.repository.url,
        "commit": offer.commit,
        "is_dry_run": pulled is None,
        "folder": folder.url,
        "files": len(offer.bill.files),
        "bytes": offer.bill.num_bytes,
        "files_brought": pulled.num_files if pulled else 0,
    }


def _would(offer: Offer, plan: Plan) -> str:
    holds = f"{offer.repository.url} ({offer.commit}) holds {offer.bill.name}"
    size = f"{many(len(plan.new), 'file')} of {num_bytes(plan.num_bytes)}"
    would = f"{size} would come to" if plan.new else "all of it is in"
    return f"{holds}: {would} {plan.folder.url}; nothing was brought"


def _sentence(offer: Offer, pulled: Pulled) -> str:
    if not pulled.num_files:
        return f"{pulled.folder.url} is what {offer.repository.url} ({offer.commit}) holds"
    brought = f"{many(pulled.num_files, 'file')} of {num_bytes(pulled.num_bytes)}"
    return f"{pulled.folder.url}: {brought}, verified, of {offer.repository.url} ({offer.commit})"
