"""Whether what arrived is what it says it is: every byte is looked at before the thing gets its name."""

from collections.abc import Iterator

from kdm.hub.bill import Bill
from kdm.trained import CONFIG, read_config, read_weights
from storage.care.verify import faults, spec_faults
from storage.care.verify_purges import purge_faults
from storage.digest import digest_of
from storage.errors import DamageError
from storage.folders import Folder
from storage.set_folder import places
from storage.spec_file import read_spec
from storage.store import PairStore

_GROUPS = {"student": "kdm.students", "teacher": "pairgen.teachers"}
_SHOWN = 3


def require_sound(folder: Folder, bill: Bill) -> None:
    """Raise a DamageError, which names the files, unless a folder holds what the bill says, undamaged."""
    wrong = list(_set_faults(folder, bill) if bill.kind == "pairs" else _model_faults(folder, bill))
    if wrong:
        more = f", and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise DamageError(f"{'; '.join(wrong[:_SHOWN])}{more}; nothing of it is used")


def _set_faults(folder: Folder, bill: Bill) -> Iterator[str]:
    """Records, manifests and shards against their digests, contents decoded."""
    if found := spec_faults(folder):
        yield from (fault.sentence for fault in found)
        return
    spec = read_spec(folder)
    if digest_of(spec) != bill.digest:
        yield f"{folder.url}/spec.json is that of another set than {bill.name}"
        return
    stores = [PairStore(folder, split, layout, spec) for split, layout in places(folder)]
    if not any(store.ledger.sizes() for store in stores):
        yield f"{folder.url} holds no manifest, so no pairs"
    for store in stores:
        yield from (fault.sentence for fault in faults(store, deep=True))
    yield from (fault.sentence for fault in purge_faults(stores))


def _model_faults(folder: Folder, bill: Bill) -> Iterator[str]:
    """The config against its digest and name, and the weights against the config's."""
    config = read_config(folder)
    if config is None:
        yield f"{folder.url}/{CONFIG} is missing"
        return
    if config.get("group") != _GROUPS[bill.kind]:
        yield f"{folder.url}/{CONFIG} is of a model of {str(config.get('group'))[:40]}"
    elif digest_of(config.get("identity")) != bill.digest:
        yield f"{folder.url}/{CONFIG} is that of another model than {bill.name}"
    else:
        read_weights(folder, config)
