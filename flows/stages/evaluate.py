"""Stage `evaluate`: a student's numbers on held-out pairs and fresh noise, beside its teacher's."""

import logging
from dataclasses import replace
from typing import Any

from flows.documents.measured import former_metrics, read_metrics, replace_metrics
from flows.judged_pairs import open_split
from flows.stage import Run, StageResult, State
from flows.stages.claim import claimed, end_claim_of_dead
from flows.stages.judging_networks import networks_of, require_other_judges
from flows.stages.tracking import tell_trackers
from storage.digest import digest_of

_LOG = logging.getLogger(__name__)

STAGE = "evaluate"
# Increased by a fix that changes what is measured; metrics have their own versions.
VERSION = 2


def evaluate(run: Run, judged: StageResult, student: StageResult) -> StageResult:
    """Measure a student unless its metrics.json is of these weights, pairs, masks and options."""
    folder, what = student.place, f"measuring {student.name}"
    require_other_judges(folder, student.name, run.recipe.evaluation.metrics)
    identity = evaluation_identity(run, judged, student)
    facts: dict[str, Any] = {}
    state: State = "cached"

    def is_there() -> bool:
        standing = read_metrics(folder)
        # Points of a study may differ in options alone: each finds its own numbers, and metrics.json stays.
        if standing is not None and standing["identity"] != identity and not run.is_remembered:
            standing = former_metrics(folder, identity)
        if standing is not None and standing["identity"] == identity:
            facts.update(standing)
        return bool(facts)

    if not is_there():
        _LOG.info("%s lacks numbers of these weights, pairs and options", folder.url)
        run.begin(folder, what)
        with claimed(folder, what, is_there=is_there, say=run.say) as has_work:
            if has_work:
                facts, state = _evaluate(run, judged, student, identity), "done"
                trained = run.recipe.student(student.facts["student"])
                tell_trackers(run, folder, trained.trainings[-1])
    else:
        _LOG.info("%s has numbers of these weights, pairs and options", folder.url)
        end_claim_of_dead(folder)
    return replace(student, stage=STAGE, digest=identity, state=state, facts=facts)


def _evaluate(run: Run, judged: StageResult, student: StageResult, identity: str) -> dict[str, Any]:
    folder = student.place
    meter = run.meter(STAGE, student.name, 1, "students")
    meter.at(0)
    # torch and matplotlib: a run in which everything is measured does not wait for them.
    from flows.documents.measuring import measured
    from flows.documents.student_card import write_card

    document, schema = measured(run, judged, student)
    document |= {
        "identity": identity,
        "student": student.facts["student"],
        "student_digest": student.digest,
        "pairs": judged.name,
        "parameters": student.facts["parameters"],
    }
    write_card(run, judged, student, document, schema)
    replace_metrics(folder, document)
    meter.at(1)
    return document


def evaluation_identity(run: Run, judged: StageResult, student: StageResult) -> str:
    """The digest of all that the numbers depend on."""
    contents = {
        split: open_split(run, judged, split).content_digests(count)
        for split, count in (
            ("train", run.recipe.pairs.train),
            ("heldout", run.recipe.pairs.heldout),
        )
    }
    return digest_of(
        {
            "version": VERSION,
            "student": student.facts["weights"],
            "contents": contents,
            "counts": [run.recipe.pairs.train, run.recipe.pairs.heldout],
            "masks": judged.facts["masks"],
            "evaluation": run.recipe.evaluation.measured(),
            **networks_of(run),
        }
    )
