"""How fast teacher and students sample, and what each student cost."""

from collections.abc import Sequence

from flows.documents.timings import read_timings, with_before
from flows.stage import Run, StageResult
from kdm.export import load_student
from kdm.report.budgets import Budget
from kdm.report.content import (
    Rate,
)
from storage.folders import folder_at


def rates(judged: StageResult, evaluated: Sequence[StageResult]) -> tuple[Rate, ...]:
    """Samples a second of the teacher, then of each student, as they were timed."""
    folders = [("teacher", judged.folder)]
    folders += [(student.facts["student"], student.folder) for student in evaluated]
    timings = [(who, read_timings(folder_at(folder)).get("sampling")) for who, folder in folders]
    return tuple(
        Rate(
            who=who,
            nfe=sampling["nfe"],
            samples_per_second=sampling["samples_per_second"],
            samples_per_cpu_second=sampling["samples_per_cpu_second"],
            machine=sampling["machine"],
        )
        for who, sampling in timings
        if sampling is not None
    )


def budget(run: Run, student: StageResult) -> Budget:
    """What went into a student and what it takes to sample it."""
    name, folder = student.facts["student"], student.place
    model = load_student(student.folder)
    timings, recipe = read_timings(folder), run.recipe.student(name)
    seconds = timings.get("cpu_seconds", timings.get("training", {}).get("cpu_seconds"))
    return Budget(
        name=name,
        num_images=recipe.num_images,
        cpu_seconds=with_before(seconds, timings),
        has_critic=bool(recipe.settings["model"].get("adversary")),
        num_trained=student.facts["parameters"]["trainable"],
        num_used=student.facts["parameters"]["inference"],
        nfe=model.nfe,
        num_networks=len(model.inference_modules()),
    )
