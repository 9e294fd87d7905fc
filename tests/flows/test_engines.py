"""Wherever shards are made, one set of equal bytes comes out; whatever dies, the rest is made."""

import contextlib
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from faults.commands import finish
from faults.digests import assert_equal, digests_of, temporary_files
from faults.generators import (
    NUM_SHARDS,
    PROCESSES,
    TWICE,
    disturbed,
    generate,
    num_shards,
    started,
)
from local_prefect import wait_for

SOON = 0.02  # seconds: a shard takes about as long


def require_golden(home: Path, golden: dict[str, str]) -> None:
    assert_equal(digests_of(home), golden)
    assert temporary_files(home) == []
    assert not list(home.rglob("claims"))


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def generating(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The children that make units."""
    found = []
    for child in family(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "flows.generation.generating_child" in child.cmdline():
                found.append(child)
    return found


def has_torch(process: psutil.Process) -> bool:
    return any("libtorch" in each.path for each in process.memory_maps())


def test_processes_make_the_bytes_of_one_thread_and_one_that_is_killed_is_replaced(
    shared_recipe: Path,
    shared_digests: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "default::ResourceWarning")
    process = started(generate(tmp_path, shared_recipe, *PROCESSES), may_be_warm=False)
    wait_for(lambda: num_shards(tmp_path) >= 1, seconds=60, every=SOON)
    assert not has_torch(psutil.Process(process.pid))
    child = generating(process)[0]
    assert has_torch(child)
    child.kill()
    ended = finish(process)
    assert ended.code == 0, ended.said
    assert "unclosed" not in ended.said
    assert "1,280/1,280 pairs" in ended.said
    require_golden(tmp_path, shared_digests)


def test_parts_of_an_array_make_one_set_and_the_last_freezes_it(
    shared_recipe: Path, shared_digests: dict[str, str], tmp_path: Path
) -> None:
    parts = [started(generate(tmp_path, shared_recipe, "--part", f"{n}/2")) for n in (1, 2)]
    ended = [finish(part) for part in parts]
    assert [each.code for each in ended] == [0, 0], [each.said for each in ended]
    require_golden(tmp_path, shared_digests)


def test_children_that_always_die_end_the_command_with_what_to_do(
    shared_recipe: Path, tmp_path: Path
) -> None:
    process = started(generate(tmp_path, shared_recipe, *PROCESSES))
    killer = subprocess.Popen([sys.executable, "-c", KILLER, str(process.pid)])
    ended = finish(process)
    killer.kill()
    killer.wait()
    assert ended.code == 2, ended.said
    assert "generating processes died 3 times" in ended.said
    assert "exit code -9" in ended.said


# Kills whatever generates, as soon as it's there.
KILLER = """
import sys, psutil
command = psutil.Process(int(sys.argv[1]))
while command.is_running():
    for child in command.children():
        try:
            if "flows.generation.generating_child" in child.cmdline():
                child.kill()
        except psutil.NoSuchProcess:
            pass
"""


def test_children_leave_with_a_command_that_is_killed(shared_recipe: Path, tmp_path: Path) -> None:
    more = ("--set", "pairs.train=12800")  # an idle machine makes the recipe's 1,280 in a second
    process = started(generate(tmp_path, shared_recipe, *PROCESSES, *more))
    wait_for(lambda: num_shards(tmp_path) >= 3, seconds=60, every=SOON)
    children = generating(process)
    assert len(children) == 2
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


@pytest.mark.parametrize("seed", [0, 3])  # `make faults` has the others
def test_generators_killed_and_paused_at_random_make_one_set(
    seed: int, shared_recipe: Path, shared_digests: dict[str, str], tmp_path: Path
) -> None:
    generators = disturbed(tmp_path, shared_recipe, seed, num_events=2, with_dask=seed == 3)
    require_golden(tmp_path, shared_digests)
    assert generators.num_made_twice() <= TWICE * NUM_SHARDS, generators.events
