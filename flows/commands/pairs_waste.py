"""What killed writers left behind in sets of pairs: found, counted in bytes, and removed."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flows.commands.set_stores import stores_of
from storage.care.garbage import Waste, temporary_files, waste_of
from storage.care.verify import spec_faults
from storage.errors import DamageError, UnfinishedPurgeError
from storage.folders import Folder
from storage.folders.uploads import Upload, abort, unfinished_uploads


class SetsWaste(NamedTuple):
    """The waste of some sets."""

    files: dict[Folder, list[Waste]]
    uploads: dict[Folder, list[Upload]]  # to a bucket, that never ended
    unsure: list[str]  # sentences about files that don't let us tell

    @property
    def num_files(self) -> int:
        """Files and uploads."""
        num_files = sum(len(each) for each in self.files.values())
        return num_files + sum(len(each) for each in self.uploads.values())

    @property
    def num_bytes(self) -> int:
        """Of the files; an upload's size isn't known."""
        return sum(file.num_bytes for files in self.files.values() for file in files)

    def remove(self) -> None:
        """Remove all of it."""
        for folder, files in self.files.items():
            for file in files:
                folder.remove(file.file)
        for folder, begun in self.uploads.items():
            for upload in begun:
                abort(folder, upload)


def waste_in(sets: Sequence[Folder], *, older_than: float) -> SetsWaste:
    """The waste of these sets that is at least so old (seconds).

    Nothing in a folder is looked at before its spec shows that it's a set.
    """
    unsure = [fault.sentence for each in sets for fault in spec_faults(each)]
    sound = [each for each in sets if not spec_faults(each)]
    files = {each: list(_waste(each, older_than, unsure)) for each in sound}
    uploads = {each: unfinished_uploads(each, older_than=older_than) for each in sound}
    return SetsWaste(files, uploads, unsure)


def _waste(folder: Folder, older_than: float, unsure: list[str]) -> Iterator[Waste]:
    yield from temporary_files(folder, older_than=older_than)
    for store in stores_of(folder):
        try:
            store.purges.require_finished()
            yield from waste_of(store, older_than=older_than)
        except (DamageError, UnfinishedPurgeError) as error:
            unsure.append(str(error))
