"""Which numbers of several students may stand in one column: those that were measured in one way.

A way is all that a number depends on beside the student: the metric with its options, the noise and the
teacher's samples on it, how many there are, the classifier or network, the reference. If students
differ in it, each way has a column of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kdm.evaluate.evaluate import meanings_of
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.metrics.metric import Meaning
from kdm.metrics.protocol import column, protocol_digest, without_reference
from kdm.report.tables import SampleCounts
from storage.did_you_mean import nearest
from storage.digest import digest_of
from storage.options import parse
from storage.plugins import describe

# What rows are ordered by unless the user says it: the first of these that most students have.
_QUALITY = ("fid", "fid_infinity", "kid", "frechet_over_teachers", "in_cells_fresh", "sw1_fresh")


@dataclass(frozen=True)
class Columns:
    """Columns by name: what they mean, how many samples are behind them, and each student's names."""

    meanings: Mapping[str, Meaning]
    counts: Mapping[str, SampleCounts]
    names: Sequence[Mapping[str, str]]  # for each document: number to column
    notes: tuple[str, ...]  # a sentence for each number that has several columns

    def chosen(self, by: str) -> str:
        """The column to order rows by: the one that was named, else the usual one."""
        names = list(self.meanings)
        if by:
            own = [name for name in names if name == by or name.partition("@")[0] == by]
            if not own:
                raise ValueError(
                    f"no student of this set has the number '{by}'; {nearest(by, names)}"
                )
            return self._most(own)
        for number in _QUALITY:
            own = [name for name in names if name.partition("@")[0] == number]
            if own:
                return self._most(own)
        fresh = [name for name in names if self.meanings[name].measured_on == "fresh"]
        return next(iter((*fresh, *names)), "")

    def _most(self, names: Sequence[str]) -> str:
        """Of several columns the one that most students have."""
        return max(names, key=lambda name: sum(name in each.values() for each in self.names))


def columns_of(documents: Sequence[Mapping[str, Any]]) -> Columns:
    """The columns of these metrics documents."""
    ways = [_ways(document) for document in documents]
    known = [_meanings(document) for document in documents]
    meanings: dict[str, Meaning] = {}
    counts: dict[str, SampleCounts] = {}
    names: list[dict[str, str]] = [{} for _ in documents]
    split: dict[str, list[str]] = {}
    for number in dict.fromkeys(name for each in known for name in each):
        digests = {digest_of(way[number]): way[number] for way in ways if number in way}
        is_single = len(digests) == 1
        if not is_single:
            label = next(each[number].label for each in known if number in each)
            split.setdefault(_apart(list(digests.values())), []).append(label)
        for place, (way, document) in enumerate(zip(ways, documents, strict=True)):
            if number not in way:
                continue
            digest = digest_of(way[number])
            name = column(number, None if is_single else digest)
            names[place][number] = name
            meaning = known[place][number]
            label = meaning.label if is_single else f"{meaning.label} [{digest[:6]}]"
            meanings[name] = replace(meaning, label=label)
            counts[name] = SampleCounts(document["num_heldout"], document["num_fresh"])
    notes = (_note(apart, labels) for apart, labels in split.items())
    return Columns(meanings, counts, names, tuple(notes))


def _meanings(document: Mapping[str, Any]) -> dict[str, Meaning]:
    options = parse(EvaluationOptions, document["options"], "metrics.json: options")
    return {name: each for name, each in meanings_of(options.metrics).items() if each.is_ranked}


def _ways(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How each number of a document was measured."""
    options = parse(EvaluationOptions, document["options"], "metrics.json: options")
    found = {}
    for metric in options.metrics:
        for name, meaning in metric.meanings.items():
            if name not in document["values"]:
                continue
            side = meaning.measured_on
            protocol = document.get("protocols", {}).get(name)
            described = describe(metric)
            found[name] = {
                "metric": without_reference(described) if protocol else described,
                "noise": document.get("drawn_on", {}).get(side),
                "samples": document[f"num_{side}"],
                "classifier": document.get("classifier", {}).get("name"),
                "protocol": protocol and protocol_digest(protocol),
            }
    return found


def _apart(ways: Sequence[Mapping[str, Any]]) -> str:
    """What these ways differ in."""
    return ", ".join(key for key in ways[0] if len({digest_of([way[key]]) for way in ways}) > 1)


def _note(apart: str, labels: Sequence[str]) -> str:
    return (
        f"Not all students were measured in one way; they differ in {apart}. So these numbers have a "
        f"column for each way, and two columns don't compare: {'; '.join(labels)}."
    )
