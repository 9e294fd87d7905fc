"""`kdm pull`: brings pairs, a student or a teacher from the Hub to a home."""

import os

import typer

from flows.home import home_folder
from flows.table import many, num_bytes, say_document
from flows.terminal import counting
from kdm.hub.hub_address import HubAddress, Kind
from kdm.hub.offer import Offer, look
from kdm.hub.pull import Pulled, pull

_CLIENT = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_VERBOSITY": "error"}
_MOST_WORDS = 2


def pull_thing(
    kind: Kind, place: list[str], home: str, *, revision: str, is_dry: bool, as_json: bool
) -> None:
    """Bring what a repository holds, verified; a dry run only says what that is."""
    if len(place) > _MOST_WORDS:
        raise ValueError(
            f"{' '.join(place)[:120]!r}: name one repository, and NAME before it or none"
        )
    for variable, value in _CLIENT.items():
        os.environ.setdefault(variable, value)
    offer = look(HubAddress.of(kind, place[-1], revision))
    if is_dry:
        _say_dry(offer, as_json=as_json)
        return
    name = place[0] if len(place) == _MOST_WORDS else ""
    with counting("pull", offer.bill.name, "bytes") as report:
        pulled = pull(offer, home_folder(home), name=name, report=report)
    if as_json:
        say_document(_document(offer, pulled))
    else:
        typer.echo(_sentence(offer, pulled))


def _document(offer: Offer, pulled: Pulled | None) -> dict[str, object]:
    return {
        "kind": offer.bill.kind,
        "name": pulled.folder.name if pulled else offer.bill.name,
        "digest": offer.bill.digest,
        "url": offer.repository.url,
        "commit": offer.commit,
        "is_dry_run": pulled is None,
        "folder": pulled.folder.url if pulled else None,
        "files": len(offer.bill.files),
        "bytes": offer.bill.num_bytes,
        "files_brought": pulled.num_files if pulled else 0,
    }


def _say_dry(offer: Offer, *, as_json: bool) -> None:
    if as_json:
        say_document(_document(offer, None))
        return
    size = f"{many(len(offer.bill.files), 'file')} of {num_bytes(offer.bill.num_bytes)}"
    typer.echo(
        f"{offer.repository.url} ({offer.commit[:12]}) holds {offer.bill.name}: {size}; nothing was brought"
    )


def _sentence(offer: Offer, pulled: Pulled) -> str:
    if not pulled.num_files:
        return f"{pulled.folder.url} is what {offer.repository.url} ({offer.commit[:12]}) holds"
    brought = f"{many(pulled.num_files, 'file')} of {num_bytes(pulled.num_bytes)}"
    return (
        f"{pulled.folder.url}: {brought}, verified, of {offer.repository.url} ({offer.commit[:12]})"
    )
