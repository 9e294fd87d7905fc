"""Students of one recipe that are trained at the same time: as in turn, but for the time."""

import io
import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from conftest import Finished
from faults.commands import finish, kdm, start, trainings
from faults.digests import digests_of, unmeasured
from faults.here import run_here, train_here
from faults.stops import wait_until
from rich.console import Console
from twins import TWINS, WITH_A_FAILING
from typer.testing import CliRunner

from flows.cli import app
from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.exit import Stopped
from flows.lane import LANE, Lane, Stop
from flows.progress import Meter, Progress, silent, unsaid
from flows.request import Request
from flows.stage import Run, StageResult
from flows.stages.child import run_training
from flows.stages.claim import claimed
from flows.stages.distill_all import distill_all
from flows.stages.sequence import run_stages
from flows.terminal import Terminal
from storage.folders import Folder, folder_at

AT_ONCE = ("--until", "distill", "--at-once", "2", "--set")
SECONDS = 20.0  # for what takes none


@pytest.fixture
def begun(finished: Finished, tmp_path: Path) -> Path:
    """A home with teacher and pairs."""
    return finished.copy(tmp_path / "home", "students", "reports")


def test_a_signal_stops_both_after_a_checkpoint_and_both_end_as_one_never_stopped(
    finished: Finished, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start(kdm(begun, *AT_ONCE, TWINS))
    wait_until(lambda: len(with_checkpoint(begun)) == 2, seconds=60)
    os.kill(process.pid, signal.SIGTERM)
    ended = finish(process, seconds=20)
    assert ended.code == 128 + signal.SIGTERM
    assert "Traceback" not in ended.said
    assert trainings(begun) == []
    assert not [*begun.glob("students/*/config.json"), *begun.glob("students/*/claim.json")]
    train_here(monkeypatch)
    run_here(begun, TWINS, until="distill")
    kdm_weights, twin_weights = sorted(begun.glob("students/*/model.safetensors"))
    assert kdm_weights.read_bytes() == twin_weights.read_bytes()
    assert_as_alone(begun, finished)


def test_one_that_fails_ends_the_run_after_the_one_beside_it_is_trained(
    finished: Finished, begun: Path
) -> None:
    ended = finish(start(kdm(begun, *AT_ONCE, WITH_A_FAILING)))
    assert ended.code == 1
    assert "students/failing-" in ended.said.rpartition("error: ")[2]
    assert_as_alone(begun, finished)


def with_checkpoint(home: Path) -> set[str]:
    return {file.parents[1].name for file in home.glob("students/*/checkpoints/*.json")}


def assert_as_alone(home: Path, finished: Finished) -> None:
    """The student `kdm` is the one of a run without any other."""
    made, golden = (
        {n: d for n, d in unmeasured(each).items() if n.startswith("students/kdm-")}
        for each in (digests_of(home), finished.digests)
    )
    assert made
    assert made.items() <= golden.items()


class Bench:
    """Trains nothing: notes when each student begins and ends, and does what it's told in between."""

    def __init__(self, home: Path, names: str, at_once: int | None = 2) -> None:
        self.noted: list[str] = []
        self.lanes: list[int] = []
        self.during: dict[str, Callable[[], object]] = {}
        self.run = Run(
            recipe_of(names), folder_at(str(home)), at_once=at_once, say=self.noted.append
        )

    def __call__(self, _stage: Any, *arguments: Any) -> StageResult:
        name, lane = arguments[2].name, LANE.get()
        self.lanes.append(lane.number if lane else 0)
        self.noted.append(f"{name} begins")
        self.during.get(name, lambda: None)()
        self.noted.append(f"{name} ends")
        return StageResult("distill", name, "", "", "done", {"student": name})

    def distill(self) -> list[str]:
        """The names of the results."""
        judged = run_stages(replace(self.run, say=unsaid), until="filter-pairs")[-1]
        return [each.name for each in distill_all(self.run, judged, self.run.recipe.students, self)]


def recipe_of(names: str) -> Recipe:
    """The recipe `tiny` with such students; b<a is what becomes of a."""
    recipe = load_recipe("tiny")
    (student,) = recipe.students
    pairs = [each.partition("<")[::2] for each in names.split()]
    made = [student.model_copy(update={"name": name, "after": a or None}) for name, a in pairs]
    return recipe.model_copy(update={"students": tuple(made)})


def meeting(*parties: Event) -> Callable[[], object]:
    """Lets the others go on and waits for them: it ends only if all are at work at one time."""
    own, *others = parties

    def meet() -> None:
        own.set()
        assert all(each.wait(SECONDS) for each in others)

    return meet


def test_results_are_in_the_recipes_order_whichever_ends_first(begun: Path) -> None:
    bench, ended = Bench(begun, "a b c"), Event()
    bench.during = {"a": lambda: ended.wait(SECONDS), "c": ended.set}
    assert bench.distill() == ["a", "b", "c"]
    assert bench.noted[-1] in ("a ends", "c ends")
    assert bench.noted.index("c begins") < bench.noted.index("a ends")


def test_what_becomes_of_a_student_follows_it_while_another_is_trained(begun: Path) -> None:
    bench, one, other = Bench(begun, "a b<a c d<a"), Event(), Event()
    bench.during = {"b": meeting(one, other), "c": meeting(other, one)}
    assert bench.distill() == ["a", "b", "c", "d"]
    of_line = [each for each in bench.noted if not each.startswith("c")]
    assert of_line == [f"{name} {what}" for name in ("a", "b", "d") for what in ("begins", "ends")]


def test_the_first_failure_in_order_is_raised_once_those_at_work_have_ended(begun: Path) -> None:
    bench, told = Bench(begun, "a b c"), Event()

    def fail_late() -> None:
        assert told.wait(SECONDS)
        raise ValueError("a can't")

    def fail() -> None:
        raise ValueError("b can't")

    def hear(sentence: str) -> None:
        bench.noted.append(sentence)
        told.set()

    bench.during = {"a": fail_late, "b": fail}
    bench.run = replace(bench.run, say=hear)
    with pytest.raises(ValueError, match="a can't"):
        bench.distill()
    assert bench.noted[-1].startswith("a student failed: b can't; those that are being trained")
    assert "c begins" not in bench.noted


@pytest.mark.parametrize(
    ("at_once", "cores", "lanes"),
    [(1, 8, [0, 0, 0]), (None, 1, [0, 0, 0]), (None, 8, [1, 2, 3]), (9, 1, [1, 2, 3])],
)
def test_as_many_are_trained_at_once_as_is_asked_for_or_as_cores_allow(
    begun: Path, monkeypatch: pytest.MonkeyPatch, at_once: int | None, cores: int, lanes: list[int]
) -> None:
    monkeypatch.setattr("flows.stages.distill_all.num_cores", lambda: cores)
    bench, parties = Bench(begun, "a b c", at_once), [Event() for _ in lanes]
    if lanes[0]:
        for place, name in enumerate("abc"):
            bench.during[name] = meeting(*parties[place:], *parties[:place])
    bench.distill()
    assert sorted(bench.lanes) == lanes


def test_a_student_that_is_there_leaves_the_other_to_be_trained_as_if_alone(
    finished: Finished, tmp_path: Path
) -> None:
    bench = Bench(finished.copy(tmp_path / "home", "reports"), "kdm twin")
    assert bench.distill() == ["kdm", "twin"]
    assert bench.lanes == [0, 0]


def test_a_lane_that_is_asked_to_stop_starts_nothing_and_waits_for_nobody(home: Folder) -> None:
    stop = Stop()
    stop.ask(0)

    def wait_for_the_claim() -> None:
        with claimed(home, "a", is_there=lambda: False, say=unsaid):
            pass

    def train() -> None:
        run_training({}, home, Meter(silent, "distill", "a", 1, "steps"))

    with claimed(home, "a", is_there=lambda: False, say=unsaid):
        for work in (wait_for_the_claim, train):
            with pytest.raises(Stopped):
                in_lane(Lane(1, stop), work)


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_a_number_at_once_below_one_is_refused(tmp_path: Path, number: str) -> None:
    words = ["run", "tiny", "--home", str(tmp_path / "home"), "--direct", f"--at-once={number}"]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 2
    assert "is not a whole number from 1" in ended.output
    with pytest.raises(ValueError, match="at_once is 0; it must be a whole number from 1"):
        Request("tiny", at_once=0).run()


def test_several_at_once_are_not_trained_by_several_ranks() -> None:
    with pytest.raises(ValueError, match="leave out --at-once"):
        Request("tiny", at_once=2, ranks=2).run()
    assert Request("tiny", at_once=1, ranks=2).run().at_once == 1


def test_each_lane_has_a_line_and_counts_its_own_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("flows.terminal.time.monotonic", lambda: now[0])
    said = io.StringIO()
    terminal = Terminal(Console(file=said, width=80, force_terminal=True, legacy_windows=False))
    one, two = Lane(1, Stop(), began=100.0), Lane(2, Stop(), began=103.0)

    def tell(lane: Lane, done: int) -> None:
        name = f"student-{lane.number}"
        terminal.report(Progress("distill", name, done, 200, "steps", 0.0, 0.0))

    def end(lane: Lane) -> None:
        name = f"student-{lane.number}-384d8bc67030"
        terminal.finished(StageResult("distill", name, "", "", "done"))

    with terminal:
        in_lane(two, lambda: tell(two, 10))
        said.seek(0), said.truncate()
        in_lane(one, lambda: tell(one, 30))
        assert [line.split()[1:3] for line in shown(said)] == [
            ["student-1", "30/200"],
            ["student-2", "10/200"],
        ]
        now[0] = 110.0
        in_lane(one, lambda: end(one))
        now[0] = 115.5
        in_lane(two, lambda: end(two))
    ends = re.findall(r"(student-[12]-384d8bc67030) +done in ([0-9.]+) s", said.getvalue())
    assert ends == [("student-1-384d8bc67030", "10.0"), ("student-2-384d8bc67030", "12.5")]


def in_lane(lane: Lane, work: Callable[[], object]) -> None:
    """The work in a thread that knows its lane."""

    def body() -> None:
        LANE.set(lane)
        work()

    with ThreadPoolExecutor() as thread:
        thread.submit(copy_context().run, body).result()


def shown(said: io.StringIO) -> list[str]:
    """What is on the terminal, without what moves its cursor."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.getvalue())
    return [line.strip("\r ") for line in text.split("\n") if line.strip("\r ")]
