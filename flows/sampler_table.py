"""A teacher's samplers beside each other, kept in its folder: samplers/DIGEST, a table and a figure.

DIGEST names all that the errors depend on, so that a repeated question is answered from there. Each row is
written as soon as it's measured, and a stopped comparison goes on behind the last one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from flows.documents.timings import machine
from flows.stage import Run, StageResult
from flows.stages.pair_spec import pair_spec
from kdm.report.tables import number
from pairgen.precision import arithmetic
from pairgen.probe import Probe
from pairgen.sampler_errors import (
    EVALUATIONS,
    Comparison,
    Measured,
    candidates,
    reference_sampler,
)
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.sampling import place
from pairgen.spec import PairSpec
from pairgen.teachers.guided import sampled_field
from pairgen.teachers.teacher import Teacher, load_teacher
from storage.digest import digest_of, seal, short, unseal
from storage.folders import Folder
from storage.plugins import describe
from storage.sealed_files import read_sealed

STAGE = "samplers"
TABLE, FIGURE, TEXT = "samplers.json", "samplers.png", "samplers.md"
VERSION = 2  # of what is measured
_BATCH = 64  # pictures at once if the recipe leaves that to the device


@dataclass(frozen=True)
class SamplerTable:
    """The rows, the recipe's own sampler among them, and what they were measured against and on."""

    rows: tuple[Measured, ...]
    own: Measured | None
    reference: str
    reference_error: float  # of the reference itself, estimated
    machine: str

    @property
    def sentence(self) -> str:
        """The cheapest sampler that is as close as the recipe's own, and how to choose it.

        As close is one whose error and whose median sample's error are at most as large.
        """
        if self.own is None:
            return "the recipe's sampler has no fixed steps, so nothing is recommended"
        own = f"{self.own.sampler} at {self.own.evaluations}"
        cheaper = [
            each
            for each in self.rows
            if each.evaluations < self.own.evaluations
            and each.error <= self.own.error
            and each.typical <= self.own.typical
        ]
        if not cheaper:
            return f"no sampler is as close as {own} in fewer evaluations"
        best = min(cheaper, key=lambda each: (each.evaluations, each.error))
        return (
            f"{best.sampler} at {best.evaluations} evaluations is as close as {own}: "
            f"{self.own.evaluations / best.evaluations:.1f} times cheaper (--set 'pairs.sampler="
            f"{{plugin: {best.sampler}, num_steps: {best.num_steps}}}')"
        )

    def lines(self, number_of: Callable[[Measured], float]) -> list[list[str]]:
        """A row for each sampler, a number of it in at most 5, 7, … 35 evaluations; the head first.

        '0.0110 (34)' is the error in 34 evaluations, of a sampler that can't take 35.
        """
        return [
            ["evaluations", *map(str, EVALUATIONS), "ms each"],
            *(self._line(name, number_of) for name in sorted({each.sampler for each in self.rows})),
        ]

    def _line(self, name: str, number_of: Callable[[Measured], float]) -> list[str]:
        rows = [each for each in self.rows if each.sampler == name]
        each_ms = [1e3 * row.seconds / row.evaluations for row in rows]
        return [
            name,
            *(_cell(rows, most, number_of) for most in EVALUATIONS),
            number(median(each_ms)),
        ]

    def all_lines(self) -> list[list[str]]:
        """A row for each measurement, with the sampler's own estimate of its error; the head first."""
        head = ["sampler", "evaluations", "error", "median", "own estimate", "ms a sample"]
        return [head, *map(_whole_line, self.rows)]


def _cell(rows: Sequence[Measured], most: int, number_of: Callable[[Measured], float]) -> str:
    within = [row for row in rows if row.evaluations <= most]
    if not within:
        return ""
    row = max(within, key=lambda each: each.evaluations)
    return number(number_of(row)) + ("" if row.evaluations == most else f" ({row.evaluations})")


def _whole_line(row: Measured) -> list[str]:
    estimate = "" if row.estimate is None else number(row.estimate)
    return [
        row.sampler,
        str(row.evaluations),
        number(row.error),
        number(row.typical),
        estimate,
        number(1e3 * row.seconds),
    ]


def sampler_table(run: Run, teacher: StageResult, num_samples: int) -> tuple[Folder, SamplerTable]:
    """The kept folder and its table; rows that are missing are measured now."""
    spec = pair_spec(run, weights=teacher.facts["weights"])
    if not spec.teacher.plugin.is_trained:
        raise ValueError(
            f"teacher '{spec.teacher.plugin.plugin}' is known in closed form and has no folder to keep a "
            "table in; name a recipe with a trained teacher"
        )
    torch.set_num_threads(getattr(run.recipe.pairs, "num_threads", 1))
    device, field = torch.device(run.settled_device), _field(spec, teacher)
    own = spec.sampler if isinstance(spec.sampler, FixedSteps) else None
    chosen = candidates(sampled_field(field, spec.guidance), own)
    of = _identity(spec, chosen, num_samples, device)
    folder = teacher.place / STAGE / short(digest_of(of))
    rows = _kept(folder)
    if len(rows) < len(chosen):
        run.begin(folder, "a table of samplers")
        pairs_batch = getattr(run.recipe.pairs, "sampling_batch", _BATCH)
        at_once = pairs_batch if isinstance(pairs_batch, int) else _BATCH
        with arithmetic(spec.precision, field, device):
            probe = Probe(spec, place(field, device), device)
            _measure(run, probe, chosen, rows, folder, of, min(at_once, num_samples))
    return folder, _table(rows, own, reference_sampler(field), folder)


def _field(spec: PairSpec, teacher: StageResult) -> Teacher:
    weights = teacher.place.read("model.safetensors")
    return load_teacher(
        spec.teacher.plugin, spec.pairs.shape, weights=weights, digest=spec.teacher.weights
    )


def _identity(
    spec: PairSpec, chosen: list[FixedSteps], num_samples: int, device: torch.device
) -> dict[str, Any]:
    return {
        "version": VERSION,
        "samplers": [describe(each) for each in chosen],
        "pairs": spec.pairs.model_dump(mode="json"),
        "precision": spec.precision,
        "guidance": spec.guidance,
        "num_samples": num_samples,
        "machine": machine(device.type),
    }


def _kept(folder: Folder) -> list[Measured]:
    """The rows that are there; none of a damaged table, which is made again."""
    document = read_sealed(folder, TABLE) or {"rows": []}
    return [Measured(**each) for each in document["rows"]]


def _measure(
    run: Run,
    probe: Probe,
    chosen: list[FixedSteps],
    rows: list[Measured],
    folder: Folder,
    of: dict[str, Any],
    at_once: int,
) -> None:
    """Measure what `rows` lack, and add it to them and to the folder, row by row."""
    reference = reference_sampler(probe.teacher)  # made twice, the second time in half the steps
    costs = [reference.nfe + reference.nfe // 2, *(each.nfe for each in chosen)]
    meter = run.meter(STAGE, folder.name, sum(costs), "evaluations")
    meter.at(sum(costs[1 : len(rows) + 1]))
    comparison = Comparison(probe, of["num_samples"], at_once=at_once)
    for sampler in chosen[len(rows) :]:
        rows.append(comparison.measured(sampler))
        kept = [each._asdict() for each in rows]
        document = {"of": of, "reference_error": comparison.reference_error, "rows": kept}
        folder.replace(TABLE, seal(document))
        meter.at(sum(costs[: len(rows) + 1]), rows[-1].sampler)


def _table(
    rows: list[Measured], own: FixedSteps | None, reference: FixedSteps, folder: Folder
) -> SamplerTable:
    document = unseal(folder.read(TABLE), folder.url)
    of = document["of"]
    mine = [] if own is None else [of["samplers"].index(describe(own))]
    return SamplerTable(
        tuple(rows),
        rows[mine[0]] if mine else None,
        f"{reference.plugin} at {reference.nfe} evaluations",
        document["reference_error"],
        of["machine"],
    )
