"""What a revision of a repository offers, looked at before anything is brought."""

from collections.abc import Mapping
from dataclasses import dataclass

from kdm.hub.bill import BILL, MAX_BILL_BYTES, Bill, read_bill
from kdm.hub.hub_address import HubAddress
from kdm.hub.repository import Remote, Repository
from storage.errors import DamageError, StoreError


@dataclass(frozen=True)
class Offer:
    """What a revision of a repository holds, as its bill says; nothing but the bill was brought."""

    repository: Repository
    commit: str
    bill: Bill
    remote: Mapping[str, Remote]


def look(address: HubAddress) -> Offer:
    """What there is to pull; an error says why there is nothing."""
    repository = Repository(address)
    commit = repository.head().commit
    remote = repository.files(commit)
    where = f"{repository.url} at {commit}"
    if BILL not in remote:
        raise ValueError(
            f"{where} has no {BILL}, so it holds nothing that 'kdm push' wrote; import its files with "
            "'kdm pairs import', or look at another revision"
        )
    bill = read_bill(
        repository.small_file(BILL, commit, remote[BILL], at_most=MAX_BILL_BYTES),
        f"{BILL} of {where}",
    )
    if bill.kind != address.kind:
        raise ValueError(f"{where} holds a {bill.kind}: use 'kdm pull {bill.kind} {address.repo}'")
    missing = [path for path in bill.files if path not in remote]
    if missing:
        raise StoreError(
            f"{where} lacks {len(missing):,} of its {len(bill.files):,} files, the first {missing[0]}: its "
            "push isn't finished; pull it later, or another revision"
        )
    for path, listed in bill.files.items():
        there = remote[path]
        if there.num_bytes != listed.num_bytes or there.sha256 not in (None, listed.sha256):
            raise DamageError(
                f"{path} of {where} is not the file that was pushed; nothing of it is used: pull another "
                "revision, or ask its owner"
            )
    return Offer(repository, commit, bill, remote)
