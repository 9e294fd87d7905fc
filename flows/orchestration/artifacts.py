"""The artifacts on Prefect's page: progress while a stage works, and its results at the end."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.documents.counts import fate_of_split
from flows.documents.standings import standings
from flows.judged_pairs import contents, masks_in, open_split
from flows.orchestration.api_lost import LOST, why_lost
from flows.progress import Progress, Reporter
from flows.stage import Run, StageResult
from kdm.report.content import SplitCounts
from kdm.report.template import data_uri
from storage.digest import short

# An update is a request of some 50 ms to a server that writes to SQLite.
SECONDS_BETWEEN_UPDATES = 2.0
# As base64 (4 bytes for 3) it stays below 300 KB, and goes into Prefect's database.
MAX_PICTURE_BYTES = 220_000


@dataclass
class _Shown:
    """The artifact of one piece of work, and when it may be updated again."""

    artifact: UUID | None = None
    due: float = 0.0


class Artifacts:
    """The artifacts of one flow run. If the API is lost they're skipped, because the data don't need them."""

    def __init__(self, recipe: str, say_lost: Callable[[str], None]) -> None:
        self._recipe, self._say_lost = recipe, say_lost
        self._shown: dict[tuple[str, str], _Shown] = {}  # by stage and what it works on
        self._is_lost = False

    def report(self, progress: Progress) -> None:
        """Show how far a stage is, at most every two seconds; a reporter of stages."""
        if progress.total == 0:
            return  # nothing is missing, so there's no progress
        shown = self._shown.setdefault((progress.stage, progress.name), _Shown())
        now = time.monotonic()
        if now < shown.due and progress.done < progress.total:
            return
        shown.due = now + SECONDS_BETWEEN_UPDATES
        self._attempt(lambda: self._show(progress, shown))

    def after(self, first: Reporter) -> Reporter:
        """A reporter that tells `first`, then this page."""

        def report(progress: Progress) -> None:
            first(progress)
            self.report(progress)

        return report

    def finish(self, run: Run, results: Sequence[StageResult]) -> None:
        """Publish what was made, the students next to their teacher, and the pictures."""
        self._attempt(lambda: self._made(results, _fates_of(run, results)))
        self._attempt(lambda: self._students(run, results))
        self._attempt(lambda: self._picture(results))
        self._attempt(lambda: self._reports(results))

    def refreshed(self, results: Sequence[StageResult]) -> None:
        """Publish which reports a home has now, and where they are."""
        if results:
            self._attempt(lambda: self._made(results))
            self._attempt(lambda: self._reports(results))

    def _show(self, progress: Progress, shown: _Shown) -> None:
        percent = 100.0 * min(progress.done / max(progress.total, 1), 1.0)
        words = (
            f"{progress.stage} {progress.name}: {progress.done:,}/{progress.total:,} "
            f"{progress.unit}, {progress.rate:.3g} a second, {progress.eta_seconds:.0f} s to go"
        )
        if shown.artifact is None:
            key = f"{self._recipe}-{progress.stage}-progress"
            created: Any = create_progress_artifact(percent, key=key, description=words)
            shown.artifact = created
        else:
            update_progress_artifact(shown.artifact, percent, description=words)

    def _made(self, results: Sequence[StageResult], fates: Sequence[SplitCounts] = ()) -> None:
        create_markdown_artifact(
            made(results, fates),
            key=f"{self._recipe}-made",
            description="What each stage made, by digest",
        )

    def _students(self, run: Run, results: Sequence[StageResult]) -> None:
        found = standings(run, results)
        if found is not None:
            head = ("number", *found.names)
            table = [dict(zip(head, line, strict=True)) for line in found.lines]
            create_table_artifact(
                table,
                key=f"{self._recipe}-students",
                description=f"Students beside their teacher. {found.note}".strip(),
            )

    def _picture(self, results: Sequence[StageResult]) -> None:
        for result in results:
            picture = result.place
            if result.stage != "evaluate" or not picture.exists("samples.png"):
                continue
            if picture.size("samples.png") <= MAX_PICTURE_BYTES:
                address = data_uri(picture.read("samples.png"))
                create_image_artifact(
                    address,
                    key=f"{self._recipe}-samples",
                    description=f"Samples of the teacher and of {result.name}",
                )
                return

    def _reports(self, results: Sequence[StageResult]) -> None:
        for result in results:
            if result.stage == "eval-report":
                recipe = result.name.rpartition("-")[0]
                create_link_artifact(
                    address(result.folder, "report.html"),
                    link_text=f"report of {recipe}",
                    key=f"{recipe}-report",
                    description=f"{result.folder}/report.html, on the machine of the run",
                )

    def _attempt(self, publish: Callable[[], None]) -> None:
        if self._is_lost:
            return
        try:
            publish()
        except LOST as error:
            self._is_lost = True
            self._say_lost(why_lost(error))


def address(folder: str, name: str) -> str:
    """The URL of a file in a folder, also if the folder is a local path."""
    place = f"{folder}/{name}"
    return place if "://" in place else Path(place).as_uri()


def made(results: Sequence[StageResult], fates: Sequence[SplitCounts] = ()) -> str:
    """Stages, names and digests as a Markdown table, and the counts of pairs."""
    lines = ["| stage | made | digest | state |", "|---|---|---|---|"]
    lines += [
        f"| {result.stage} | {result.name} | `{short(result.digest)}` | {result.state} |"
        for result in results
    ]
    if fates:
        lines += ["", "| pairs | attempted | kept | masked | dropped |", "|---|---|---|---|---|"]
    lines += [
        f"| {each.split} | {each.attempted:,} | {each.kept:,} | {each.masked:,} "
        f"| {each.attempted - each.stored:,} |"
        for each in fates
    ]
    return "\n".join(lines) + "\n"


def _fates_of(run: Run, results: Sequence[StageResult]) -> list[SplitCounts]:
    """The counts of the pairs that these results read."""
    pairs = [each for each in results if each.stage in ("generate-pairs", "filter-pairs")]
    if not pairs:
        return []
    last = pairs[-1]
    stores = [open_split(run, last, split) for split in ("train", "heldout") if split in last.facts]
    return [fate_of_split(each, masks_in(last), contents(run, each)) for each in stores]
