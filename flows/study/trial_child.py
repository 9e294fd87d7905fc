"""`python -m flows.study.trial_child`: makes one trial, which its parent names on standard input.

Progress, sentences and errors go to standard output, a JSON document a line: {"progress": …}, {"say": …},
{"error": …, "kind": …}, {"made": true}. SIGTERM ends it after a checkpoint of its training.
"""

from dataclasses import asdict

from flows.child_side import Lines, live
from flows.json_lines import say_line


def _make(lines: Lines) -> None:
    from flows.config.recipe import Recipe
    from flows.progress import Progress
    from flows.stage import Asked, Run
    from flows.study.made_trial import make_trial
    from kdm.analyze.analysis import GROUP, Analysis
    from storage.folders import folder_at
    from storage.options import parse
    from storage.plugins import configure

    def report(progress: Progress) -> None:
        say_line({"progress": asdict(progress)})

    def say(sentence: str) -> None:
        say_line({"say": sentence})

    job = next(lines)
    run = Run(
        parse(Recipe, job["recipe"], "the recipe"),
        folder_at(job["home"]),
        report,
        job["device"],
        say=say,
        asked=parse(Asked, job["asked"], "the request"),
        is_remembered=False,
    )
    analysis = configure(GROUP, job["analysis"]) if job["analysis"] else None
    assert analysis is None or isinstance(analysis, Analysis)
    make_trial(run, analysis)
    say_line({"made": True})


if __name__ == "__main__":
    live(_make)
