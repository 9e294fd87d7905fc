"""`kdm teacher samplers`: how close every sampler comes to a teacher's exact x_0, and the cheapest."""

from dataclasses import replace

import typer

from flows.request import Request
from flows.sampler_table import FIGURE, TEXT, SamplerTable, sampler_table
from flows.stages.sequence import run_stages
from flows.table import aligned, say_document
from flows.terminal import Terminal
from kdm.report.tables import number


def teacher_samplers(request: Request, num_samples: int, *, as_json: bool) -> None:
    """Train or find the teacher; measure what is missing; print the table and the recommendation."""
    with Terminal() as terminal:
        run = replace(request.run(terminal.report), say=terminal.say)
        teacher, *_ = run_stages(run, until="train-teacher")
        folder, table = sampler_table(run, teacher, num_samples)
    text = "\n\n".join(
        [
            _measured_by(table, num_samples),
            aligned(table.lines(lambda row: row.error)),
            "of the median sample:",
            aligned(table.lines(lambda row: row.typical)),
            table.sentence,
        ]
    )
    if not (folder.exists(TEXT) and folder.exists(FIGURE)):
        whole = "\n\n".join([text, aligned(table.all_lines())])
        folder.replace(TEXT, (whole + "\n").encode())
        folder.replace(FIGURE, _figure(table, teacher.name))
    if as_json:
        say_document(
            {
                "teacher": teacher.name,
                "folder": folder.url,
                "num_samples": num_samples,
                "reference": table.reference,
                "reference_error": table.reference_error,
                "machine": table.machine,
                "rows": [each._asdict() for each in table.rows],
                "own": table.own and table.own._asdict(),
                "advice": table.sentence,
            }
        )
        return
    typer.echo(f"{text}\n\nfigure: {folder.url}/{FIGURE}\nall numbers: {folder.url}/{TEXT}")


def _measured_by(table: SamplerTable, num_samples: int) -> str:
    return (
        f"RMS difference from {table.reference} (itself off by about "
        f"{number(table.reference_error)}), of {num_samples:,} samples from the same noises; "
        f"{table.machine}:"
    )


def _figure(table: SamplerTable, teacher: str) -> bytes:
    # matplotlib, which a kept figure doesn't need
    from kdm.analyze.error_curves import error_curves

    curves = {
        name: [(each.evaluations, each.error) for each in table.rows if each.sampler == name]
        for name in sorted({each.sampler for each in table.rows})
    }
    own = table.own
    level = None if own is None else (f"{own.sampler} at {own.evaluations}", own.error)
    return error_curves(curves, f"Samplers of {teacher}", level=level)
