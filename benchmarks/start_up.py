"""What commands cost before they work: CPU seconds of all their processes, best and median of `--repeats`.

CPU seconds, because a machine is rarely alone; the ratio is that to a bare interpreter's, measured in turn
with the others. The home is one in which the recipe `tiny` has run, so that every stage is cached. A server's
own seconds are not counted.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.measured import Measured, kdm, measured
from benchmarks.worker import served
from flows.documents.timings import machine

REPEATS = 5
BARE = "python -c pass"


def table(repeats: int = REPEATS) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        home = str(Path(folder) / "home")
        measured("first", kdm("run", "tiny", "--home", home))
        with served(Path(folder)) as (api, environment):
            at_server = (f"PREFECT_API_URL={api}", f"PREFECT_HOME={environment['PREFECT_HOME']}")
            commands = _commands(home, at_server)
            rounds = [
                {name: measured(name, command) for name, command in commands.items()}
                for _ in range(repeats)
            ]
    yield f"On {machine()}; {repeats} rounds."
    yield ""
    yield "| command | best CPU s | median CPU s | of a bare interpreter | best wall s |"
    yield "|---|---:|---:|---:|---:|"
    for name in commands:
        yield _line(name, rounds)


def _commands(home: str, at_server: tuple[str, ...]) -> Mapping[str, list[str]]:
    at = ("--home", home)
    return {
        BARE: [sys.executable, "-c", "pass"],
        "kdm --help": kdm("--help"),
        "kdm ls": kdm("ls", *at),
        "kdm show": kdm("show"),
        "kdm show tiny": kdm("show", "tiny"),
        "kdm show digits": kdm("show", "digits"),
        "kdm run tiny --direct (cached)": kdm("run", "tiny", "--direct", *at),
        "kdm run tiny (cached, no server named)": kdm("run", "tiny", *at),
        "kdm run tiny (cached, a server that runs)": ["env", *at_server, *kdm("run", "tiny", *at)],
        "kdm rm (refused)": _refused(kdm("rm", "teachers/fm-tiny", "--yes", *at)),
    }


def _refused(command: list[str]) -> list[str]:
    """A command that ends with code 2, as one that ends with 0: others rest on what it would remove."""
    return ["sh", "-c", '"$@"; test $? = 2', "sh", *command]


def _line(name: str, rounds: list[dict[str, Measured]]) -> str:
    cpu = [each[name].cpu for each in rounds]
    ratio = statistics.median(each[name].cpu / each[BARE].cpu for each in rounds)
    wall = min(each[name].wall for each in rounds)
    return (
        f"| `{name}` | {min(cpu):.2f} | {statistics.median(cpu):.2f} | {ratio:.0f} | {wall:.2f} |"
    )
