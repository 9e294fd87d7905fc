"""`kdm deploy`: deploys every flow to a Prefect server, also from an installed package."""

import os
import subprocess
import sys
from importlib.resources import as_file, files
from tempfile import TemporaryDirectory

import typer

from flows.orchestration.prefect_settings import api_url, spare_loopback_the_proxy, unset_defaults
from flows.orchestration.unusable_settings import UNUSABLE, what_is_unusable
from kdm.training.child_environment import safe_path

POOL = "local"


def deploy() -> None:
    """Create the work pool if needed, then every deployment; a ValueError if that fails."""
    spare_loopback_the_proxy()
    if not _api():
        raise ValueError(
            "no Prefect server is configured: start one with 'prefect server start', then "
            "'export PREFECT_API_URL=http://127.0.0.1:4200/api' here and where the worker runs"
        )
    if _prefect("work-pool", "inspect", POOL).returncode != 0:
        _require(_prefect("work-pool", "create", POOL, "--type", "process"))
    with as_file(files("flows") / "prefect.yaml") as file:
        _require(_prefect("deploy", "--all", "--prefect-file", str(file)))
    typer.echo(
        f"deployed; start a worker with 'prefect worker start --pool {POOL}', then for one "
        "'prefect deployment run generate-pairs/default --watch'"
    )


def _api() -> str:
    try:
        return api_url()
    except UNUSABLE as error:
        raise ValueError(what_is_unusable(error)) from error


def _prefect(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "prefect", "--no-prompt", *words]
    with TemporaryDirectory() as empty:  # Prefect imports flows from its current folder first
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=empty,
            env={**os.environ, **unset_defaults(), **safe_path(), "PWD": os.getcwd()},
        )


def _require(ended: subprocess.CompletedProcess[str]) -> None:
    if ended.returncode != 0:
        said = [line.strip() for line in ended.stdout.splitlines() if line.strip()]
        raise ValueError(
            f"Prefect refused: {said[-1] if said else 'without a reason'}; start a server with "
            "'prefect server start' and set PREFECT_API_URL to its address"
        )
