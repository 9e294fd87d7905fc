"""How a number was measured: all that must be equal before two numbers may stand in one column.

FIDs of one generator differ by points between 5,000 and 50,000 samples, between two ways of resizing,
and between a data set's training and test pictures. So a number of a published network's features goes
with its protocol, and two numbers are of one column if the digests of their protocols agree. The digest is of
content: by which name real pictures or statistics were given makes no other column.
"""

from collections.abc import Mapping
from typing import Any

from storage.digest import digest_of, short
from storage.options import Options

VERSION = 2  # of the digest of a protocol with a reference; 1 had the reference's names in it


class Reference(Options):
    """The real pictures behind a number, or the statistics of some."""

    name: str  # a data set's kind, or a file's name
    split: str  # 'train' or 'heldout'; 'as published' of a file
    digest: str  # of the data set's content, or the file's sha256
    count: int | None = None  # pictures; None if a file doesn't say it


class Protocol(Options):
    """Of one number."""

    metric: dict[str, Any]  # the plugin, its version and its options
    num_samples: int
    num_classes: int | None  # of the noise; each has as many samples as the others, or nearly
    seed: int  # of the noise
    network: str  # the file in the weights folder
    network_sha256: str
    num_features: int | None = None  # of a network that has no published name
    mode: str  # how pictures reach the network's size: the words of clean-fid; 'own': metric's options
    quantised: bool  # whether samples became bytes first, as the pictures in files are
    reference: Reference | None = None  # None if a metric doesn't look at real pictures

    @property
    def digest(self) -> str:
        """Of all fields but names; equal digests, equal protocols."""
        return protocol_digest(self._fields())

    def document(self) -> dict[str, Any]:
        """All fields and the digest."""
        return self._fields() | {"digest": self.digest}

    def _fields(self) -> dict[str, Any]:
        """All that are said: what came later stands only where it says something."""
        unsaid = {"num_features"} if self.num_features is None else set()
        return self.model_dump(mode="json", exclude=unsaid)


def protocol_digest(document: Mapping[str, Any]) -> str:
    """The digest of a protocol as metrics.json has it, whichever version wrote that.

    The same pictures may be a split of the recipe's data set or statistics by name, so of a reference only
    its content counts: what the metric calls it and what its files are called doesn't.
    """
    said = {key: value for key, value in document.items() if key != "digest"}
    reference = said.get("reference")
    if reference is not None:
        said["metric"] = without_reference(said["metric"])
        said["reference"] = {key: reference[key] for key in ("split", "digest", "count")}
        said["version"] = VERSION
    return digest_of(said)


def without_reference(metric: Mapping[str, Any]) -> dict[str, Any]:
    """A metric's description without the word for its reference, whose content the protocol has."""
    return {key: value for key, value in metric.items() if key != "reference"}


def column(name: str, digest: str | None) -> str:
    """What a number's column is called where numbers of several runs meet."""
    return name if digest is None else f"{name}@{short(digest)}"
