"""Sends a thing to the Hub in commits, each of files that have arrived.

The bill comes with the first commit of a new repository, which it claims, and with the last one of a
repository that has one: until then its readers find the old thing whole. What the repository holds already
isn't sent again, nor are large files that arrived without a commit: the Hub knows them by their sha256.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from flows.hub.cargo import Cargo, Shown, Source
from kdm.hub.bill import BILL, MAX_BILL_BYTES, README, Bill, read_bill
from kdm.hub.client import has_token
from kdm.hub.file_digests import git_blob
from kdm.hub.repository import Head, Remote, Repository
from kdm.hub.travelling import may_travel
from storage.errors import DamageError, MismatchError

VIEW = "view/"  # what the Hub's viewer shows of pairs
# The Hub advises at most some hundred files a commit; what arrived without one is known by its sha256.
_FILES_A_COMMIT = 256
_FILES_AT_ONCE = 16  # that are asked about in one request
_TOKENS = "https://huggingface.co/settings/tokens"
_OF_EVERY_REPOSITORY = {".gitattributes", README}

Report = Callable[[int, int], None]  # files that are there, of all


class Pushed(NamedTuple):
    """What a push did, or would do."""

    url: str
    commit: str  # the newest; '' if there is none yet
    num_sent: int  # files that weren't there
    num_bytes: int
    num_there: int
    keeps_card: bool  # README.md was edited on the Hub, and stays
    num_shown: int  # files for the viewer that weren't there, beside the others


@dataclass(frozen=True)
class _Plan:
    """What is there, and what is to be sent."""

    head: Head | None
    remote: dict[str, Remote]
    bill: Bill | None  # that is there
    missing: list[str]  # of the cargo's files
    keeps_card: bool


def push(
    cargo: Cargo,
    repository: Repository,
    *,
    is_public: bool,
    is_dry: bool = False,
    report: Report = lambda done, total: None,
) -> Pushed:
    """Send what isn't there; a dry one only looks.

    What could refuse is asked first: a ValueError or MismatchError says that the repository holds
    something else, or is public.
    """
    plan = _plan(cargo, repository, is_public=is_public)
    num_bytes = sum(cargo.bill.files[path].num_bytes for path in plan.missing)
    there = len(cargo.bill.files) - len(plan.missing)
    commit = plan.head.commit if plan.head else ""
    if not is_dry:
        commit = _send(cargo, repository, plan, is_private=not is_public, report=report)
    return Pushed(
        repository.url,
        commit,
        len(plan.missing),
        num_bytes,
        there,
        keeps_card=plan.keeps_card,
        num_shown=len(_not_shown(cargo, plan)),
    )


def require_account(repository: Repository) -> None:
    """Raise a ValueError unless there is a token, and it may write to a repository of this owner."""
    if not has_token():
        raise ValueError(
            f"there is no token for the Hub; make one that may write at {_TOKENS} and put it into HF_TOKEN, "
            "or run 'hf auth login'"
        )
    account = repository.account()
    role = account.get("auth", {}).get("accessToken", {}).get("role")
    if role == "read":
        raise ValueError(
            f"the token may only read; make one that may write at {_TOKENS} and put it into HF_TOKEN"
        )
    mine = [str(account.get("name")), *(str(each.get("name")) for each in account.get("orgs", []))]
    owner = repository.address.repo.partition("/")[0]
    if owner not in mine:
        raise ValueError(
            f"{repository.address.repo} would be {owner}'s, and the token is for {', '.join(mine)}; name a "
            f"repository of one of these, as in {mine[0]}/{repository.address.repo.partition('/')[2]}"
        )


def _plan(cargo: Cargo, repository: Repository, *, is_public: bool) -> _Plan:
    head = repository.head_if_there()
    if head is None:
        return _Plan(None, {}, None, list(cargo.bill.files), keeps_card=False)
    _require_visibility(repository, head, is_public=is_public)
    remote = repository.files(head.commit)
    bill = _bill_there(repository, head, remote)
    _require_same(cargo.bill, bill, repository)
    missing = [path for path in cargo.bill.files if not _is_there(cargo, path, remote.get(path))]
    card = remote.get(README)
    is_ours = card is None or card.blob in (git_blob(cargo.card), bill.card if bill else "")
    return _Plan(head, remote, bill, missing, keeps_card=not is_ours)


def _require_visibility(repository: Repository, head: Head, *, is_public: bool) -> None:
    if not head.is_private and not is_public:
        raise ValueError(
            f"{repository.url} is public: everyone could read what is pushed; say --public if they may, or "
            "name another repository"
        )
    if head.is_private and is_public:
        raise ValueError(
            f"{repository.url} is private, and a push doesn't change that; change it on its page, or leave "
            "--public out"
        )


def _bill_there(repository: Repository, head: Head, remote: dict[str, Remote]) -> Bill | None:
    if BILL not in remote:
        strange = sorted(remote.keys() - _OF_EVERY_REPOSITORY)
        if strange:
            raise MismatchError(
                f"{repository.url} holds something else, such as {strange[0][:80]!r}; push to another "
                "repository"
            )
        return None
    data = repository.small_file(BILL, head.commit, remote[BILL], at_most=MAX_BILL_BYTES)
    return read_bill(data, f"{BILL} of {repository.url}")


def _require_same(bill: Bill, there: Bill | None, repository: Repository) -> None:
    if there is not None and (there.kind, there.digest) != (bill.kind, bill.digest):
        raise MismatchError(
            f"{repository.url} holds the {there.kind} {there.name}, and this is the {bill.kind} {bill.name}; "
            "push to another repository"
        )


def _is_there(cargo: Cargo, path: str, remote: Remote | None) -> bool:
    listed = cargo.bill.files[path]
    if remote is None or remote.num_bytes != listed.num_bytes:
        return False
    if remote.sha256 is not None:
        return remote.sha256 == listed.sha256
    return remote.blob == cargo.blob(path)


def _send(
    cargo: Cargo, repository: Repository, plan: _Plan, *, is_private: bool, report: Report
) -> str:
    head = plan.head
    if head is None:
        repository.create(is_private=is_private)
        head = repository.head()
    sender = _Sender(repository, head.commit)
    if plan.bill is None:
        sender.add(BILL, cargo.bill.data())
    total = len(cargo.bill.files) + len(cargo.shown)
    done = len(cargo.bill.files) - len(plan.missing)
    report(done, total)
    for path in plan.missing:
        sender.add(path, cargo.sources[path])
        done += 1
        report(done, total)
    new = _not_shown(cargo, plan)
    done += len(cargo.shown) - len(new)
    for shown in new:
        sender.add(shown.path, shown.make())
        done += 1
        report(done, total)
    _finish(sender, cargo, plan)
    _require_arrived(cargo, repository, sender.head)
    return sender.head


def _not_shown(cargo: Cargo, plan: _Plan) -> list[Shown]:
    """What the viewer lacks; the name of each such file has the digest of what it shows."""
    return [shown for shown in cargo.shown if shown.path not in plan.remote]


class _Sender:
    """The commits of a push, one on top of the other."""

    def __init__(self, repository: Repository, head: str) -> None:
        self.head = head
        self._repository = repository
        self._arrived: list[Any] = []  # operations of the next commit, whose large files are there
        self._next: list[Any] = []  # additions to send together

    def add(self, path: str, source: Source) -> None:
        """A file of this commit or the next; some are sent together."""
        self._next.append(_addition(path, source))
        # One that was made in memory leaves it at once.
        if isinstance(source, bytes) or len(self._next) == _FILES_AT_ONCE:
            self._upload()
        if len(self._arrived) >= _FILES_A_COMMIT:
            self.commit("files")

    def remove(self, path: str) -> None:
        """A file that isn't part of the thing any more."""
        from huggingface_hub import CommitOperationDelete

        self._arrived.append(CommitOperationDelete(path))

    def commit(self, what: str) -> None:
        """Name what has arrived in a commit; without anything there is none."""
        self._upload()
        if self._arrived:
            message = f"kdm push: {what}"
            self.head = self._repository.commit(self._arrived, message, parent=self.head)
            self._arrived = []

    def _upload(self) -> None:
        if self._next:
            self._repository.upload(self._next)
            self._arrived += self._next
            self._next = []


def _addition(path: str, source: Source) -> Any:
    from huggingface_hub import CommitOperationAdd

    return CommitOperationAdd(path, str(source) if isinstance(source, Path) else source)


def _finish(sender: _Sender, cargo: Cargo, plan: _Plan) -> None:
    """The last commit: card and bill, and without what the thing doesn't have any more."""
    card = plan.remote.get(README)
    if not plan.keeps_card and (card is None or card.blob != git_blob(cargo.card)):
        sender.add(README, cargo.card)
    kept = {*cargo.bill.files, *(shown.path for shown in cargo.shown)}
    for path in sorted(plan.remote.keys() - kept):
        if may_travel(cargo.bill.kind, path) or path.startswith(VIEW):
            sender.remove(path)
    if plan.bill is not None and plan.bill != cargo.bill:
        sender.add(BILL, cargo.bill.data())
    sender.commit(cargo.bill.name)


def _require_arrived(cargo: Cargo, repository: Repository, commit: str) -> None:
    """The listing of the last commit, file by file, against what was sent."""
    remote = repository.files(commit)
    for path in cargo.bill.files:
        if not _is_there(cargo, path, remote.get(path)):
            raise DamageError(
                f"{path} isn't in {repository.url} as it was sent; somebody may have changed it: run the "
                "same command again"
            )
