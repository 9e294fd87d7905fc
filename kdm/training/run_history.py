"""What a run's folder says of its course, for trackers: only what a resumed run won't compute again.

While it trains that is what its newest checkpoint holds, and the pictures up to that step; once it is done,
losses.json and timings.json. Nothing here imports torch.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kdm.trackers.tracked_run import Entry
from kdm.trained import CHECKPOINTS, CONFIG, LOSSES, PICTURES, TIMINGS
from kdm.training.options import TrainingOptions
from kdm.training.schedule import learning_rate
from storage.digest import digest_of, unseal
from storage.folders import Folder

METRICS = "metrics.json"  # of a student, by those who measure it
_RECORD = re.compile(r"step-(\d{8,})\.json")
_PICTURE = re.compile(r"step-(\d{8,})\.png")


class RunHistory:
    """The lasting entries of the run in `folder`, which trains with `options`."""

    def __init__(self, folder: Folder, options: TrainingOptions) -> None:
        self._folder, self._options = folder, options
        self._read_from = ""  # the record that the entries below are from
        self._values: dict[int, tuple[float, dict[str, float]]] = {}
        self._num_steps = 0  # that are there for good

    def after(self, step: int) -> list[Entry]:
        """All entries after `step` steps, in order."""
        self._read()
        pictures = self._pictures()
        steps = sorted({*self._values, *pictures})
        return [self._entry(each, pictures) for each in steps if step < each <= self._num_steps]

    def numbers(self) -> dict[str, float]:
        """Final numbers by name: of the training, and what was measured since; {} until it is done."""
        if not self._folder.exists(CONFIG):
            return {}
        config, timings = self._document(CONFIG), self._document(TIMINGS)
        history = self._document(LOSSES)["losses"]
        found = {
            "loss": history[-1]["losses"] if history else {},
            "parameters": config.get("parameters", {}),
            **{name: each for name, each in timings.items() if name != "paces"},
            **self._measured(),
        }
        return {f"final/{name}": value for name, value in _leaves(found)}

    def digest(self) -> str:
        """Of all that the numbers are from, and the entries of a run that is done; '' until it is."""
        if not self._folder.exists(CONFIG):
            return ""
        return digest_of([self._document(CONFIG)["digest"], self.numbers()])

    def _read(self) -> None:
        """Read the newest record, unless it was read before."""
        if self._folder.exists(CONFIG):
            if self._read_from != CONFIG:
                losses, timings = self._document(LOSSES), self._document(TIMINGS)
                self._take(losses["losses"], timings.get("paces", []))
                self._read_from, self._num_steps = CONFIG, self._options.num_steps
            return
        names = filter(_RECORD.fullmatch, (self._folder / CHECKPOINTS).names())
        newest = max(names, key=lambda name: (len(name), name), default="")
        if newest in ("", self._read_from):
            return
        try:
            record = self._document(f"{CHECKPOINTS}/{newest}")
        except FileNotFoundError:  # two newer ones came meanwhile, and it was removed
            return
        self._take(record["losses"], record["attempt"].get("paces", []))
        self._read_from, self._num_steps = newest, record["step"]

    def _take(self, losses: list[dict[str, Any]], paces: list[list[float]]) -> None:
        """Losses, learning rate and pace by step."""
        known = {int(step): (at, rate) for step, at, rate in paces}
        for each in losses:
            step = each["step"]
            at, rate = known.get(step, (0.0, 0.0))
            values = {f"loss/{name}": value for name, value in each["losses"].items()}
            values["learning_rate"] = learning_rate(self._options, step - 1)
            if rate:
                values["samples_per_second"] = rate
            self._values[step] = at, values

    def _entry(self, step: int, pictures: Mapping[int, str]) -> Entry:
        at, values = self._values.get(step, (0.0, {}))
        drawn = {}
        if name := pictures.get(step):
            drawn = {PICTURES: self._folder.read(name)}
            at = at or (self._folder / PICTURES).files()[name.rpartition("/")[2]].modified_at
        return Entry(step, at, values, drawn)

    def _pictures(self) -> dict[int, str]:
        names = (self._folder / PICTURES).names()
        found = filter(None, map(_PICTURE.fullmatch, names))
        return {int(each[1]): f"{PICTURES}/{each[0]}" for each in found}

    def _measured(self) -> Mapping[str, Any]:
        if not self._folder.exists(METRICS):
            return {}
        measured: Mapping[str, Any] = self._document(METRICS).get("values", {})
        return measured

    def _document(self, name: str) -> dict[str, Any]:
        return unseal(self._folder.read(name), f"{self._folder.url}/{name}")


def flat(document: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a JSON value by its dotted place."""
    if isinstance(document, Mapping) and document:
        for key, each in document.items():
            yield from flat(each, f"{name}.{key}" if name else str(key))
    else:
        yield name, document


def _leaves(document: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Every number of a document by its place, such as loss/total."""
    for name, value in flat(document):
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name.replace(".", "/"), float(value)
