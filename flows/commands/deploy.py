"""`kdm deploy`: the deployments of every flow at a Prefect server, from an installed package too."""

import os
import subprocess
import sys
from importlib.resources import as_file, files

import typer

POOL = "local"


def deploy() -> None:
    """Make the work pool unless it is there, then every deployment; a ValueError where it fails."""
    if _prefect("work-pool", "inspect", POOL).returncode != 0:
        _require(_prefect("work-pool", "create", POOL, "--type", "process"))
    with as_file(files("flows") / "prefect.yaml") as file:
        _require(_prefect("deploy", "--all", "--prefect-file", str(file)))
    typer.echo(
        f"deployed; start a worker with 'prefect worker start --pool {POOL}', then for one "
        "'prefect deployment run generate-pairs/default --watch'"
    )


def _prefect(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "prefect", "--no-prompt", *words]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )


def _require(ended: subprocess.CompletedProcess[str]) -> None:
    if ended.returncode != 0:
        said = [line.strip() for line in ended.stdout.splitlines() if line.strip()]
        raise ValueError(
            f"Prefect refused: {said[-1] if said else 'it said nothing'}; start a server with "
            "'prefect server start' and set PREFECT_API_URL to its address"
        )
