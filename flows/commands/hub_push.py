"""`kdm push`: sends pairs, a student or a teacher to the Hub."""

import os
from dataclasses import dataclass
from typing import Literal

import typer

from flows.home import found
from flows.hub.cargo import Cargo
from flows.hub.push import Pushed, push, require_account
from flows.table import many, num_bytes, say_document
from flows.terminal import counting
from kdm.hub.hub_address import HubAddress
from kdm.hub.repository import Repository

# Large files go by their sha256, which the store knows and the Hub is asked about before anything is sent.
# The client's other way, Xet, is taken with HF_HUB_DISABLE_XET=0; its bars would run into this command's.
_CLIENT = {
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_VERBOSITY": "error",
}


@dataclass(frozen=True)
class Sending:
    """What every push is told."""

    repo: str
    home: str
    is_public: bool
    is_dry: bool
    as_json: bool


def push_pairs(
    name: str, sending: Sending, *, layout: str, is_unmasked: bool, has_view: bool
) -> None:
    """Verify a set, then send it."""
    repository = _repository("pairs", sending)
    folder = found(sending.home, "pairs", name)
    from flows.hub.set_cargo import set_cargo

    cargo = set_cargo(
        folder, repository.address, layout=layout, is_unmasked=is_unmasked, has_view=has_view
    )
    _push(cargo, repository, sending)


def push_model(
    kind: Literal["student", "teacher"],
    name: str,
    sending: Sending,
    *,
    base_model: str = "",
    dataset: str = "",
) -> None:
    """Check a model's weights, then send it."""
    from flows.hub.model_cargo import Lineage, model_cargo

    for each_kind, repo in (("teacher", base_model), ("pairs", dataset)):
        if repo:
            HubAddress.of("pairs" if each_kind == "pairs" else "teacher", repo)
    repository = _repository(kind, sending)
    folder = found(sending.home, f"{kind}s", name)
    cargo = model_cargo(folder, repository.address, Lineage(base_model, dataset))
    _push(cargo, repository, sending)


def _repository(kind: Literal["pairs", "student", "teacher"], sending: Sending) -> Repository:
    """The repository, once the account may write there: before a set is read."""
    for variable, value in _CLIENT.items():
        os.environ.setdefault(variable, value)
    repository = Repository(HubAddress.of(kind, sending.repo))
    require_account(repository)
    return repository


def _push(cargo: Cargo, repository: Repository, sending: Sending) -> None:
    with counting("push", cargo.bill.name, "files") as report:
        pushed = push(
            cargo,
            repository,
            is_public=sending.is_public,
            is_dry=sending.is_dry,
            report=report,
        )
    if sending.as_json:
        say_document(_document(cargo, pushed, sending))
    else:
        typer.echo(_sentence(cargo, pushed, sending))


def _document(cargo: Cargo, pushed: Pushed, sending: Sending) -> dict[str, object]:
    return {
        "kind": cargo.bill.kind,
        "name": cargo.bill.name,
        "digest": cargo.bill.digest,
        "url": pushed.url,
        "commit": pushed.commit or None,
        "is_public": sending.is_public,
        "is_dry_run": sending.is_dry,
        "files": {
            "sent": pushed.num_sent,
            "there": pushed.num_there,
            "for_viewer": pushed.num_shown,
        },
        "bytes_sent": pushed.num_bytes,
        "keeps_card": pushed.keeps_card,
    }


def _sentence(cargo: Cargo, pushed: Pushed, sending: Sending) -> str:
    size = f"{many(pushed.num_sent, 'file')} of {num_bytes(pushed.num_bytes)}"
    if pushed.num_shown:
        size += f" and {pushed.num_shown:,} for the viewer"
    there = f", {pushed.num_there:,} were there" if pushed.num_there else ""
    card = "; README.md was edited there and stays" if pushed.keeps_card else ""
    who = "public" if sending.is_public else "private"
    if sending.is_dry:
        return f"{cargo.bill.name} would send {size} to {pushed.url}, {who}{there}{card}; nothing was sent"
    return f"{pushed.url} ({who}, {pushed.commit}): sent {size}{there}{card}"
