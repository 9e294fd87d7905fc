"""Cores that a process may use, where control groups limit its CPU time."""

from pathlib import Path

import pytest

from pairgen import cores


def quota_of(folder: Path, own: str, files: dict[str, str]) -> float | None:
    """The quota with these files below the mounted groups, and `own` in the process's list."""
    for name, text in files.items():
        place = folder / "groups" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (folder / "own").write_text(own)
    return cores.cpu_quota(folder / "groups", folder / "own")


@pytest.mark.parametrize(
    ("own", "files", "wanted"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2.0),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        (
            "0::/jobs/mine\n",
            {"jobs/mine/cpu.max": "max 100000\n", "jobs/cpu.max": "50000 100000"},
            0.5,
        ),
        ("4:cpu,cpuacct:/jobs\n2:memory:/\n", {"cpu/jobs/cpu.cfs_quota_us": "300000\n"}, None),
        (
            "4:cpu,cpuacct:/jobs\n",
            {"cpu/jobs/cpu.cfs_quota_us": "300000\n", "cpu/jobs/cpu.cfs_period_us": "100000\n"},
            3.0,
        ),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("", {}, None),
        ("nonsense", {"cpu.max": "a b"}, None),
    ],
)
def test_the_least_quota_of_a_group_and_those_above_counts(
    own: str, files: dict[str, str], wanted: float | None, tmp_path: Path
) -> None:
    assert quota_of(tmp_path, own, files) == wanted


@pytest.mark.parametrize(("quota", "wanted"), [(None, 4), (8.0, 4), (2.9, 2), (0.5, 1)])
def test_cores_are_at_most_what_the_quota_pays_for(
    quota: float | None, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(cores, "cpu_quota", lambda: quota)
    assert cores.num_cores() == wanted
