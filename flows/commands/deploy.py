"""`kdm deploy`: deploys every flow to a Prefect server, also from an installed package."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import typer
import yaml

from flows.orchestration.automations import crash_silent_runs
from flows.orchestration.configured_server import configured_server
from flows.orchestration.work_pool import LOCAL, PROCESS, Runs, found_pool, job_variables
from kdm.training.child_environment import safe_path

# In the package, so that an installed one has it too.
_PREFECT_YAML = Path(__file__).parents[1] / "prefect.yaml"
# A run of generate-pairs asks for as many runs of this one as it's told.
_WITHOUT_LIMIT = "make-shards"
_SCHEDULED = "eval-report"


def deploy(
    runs: Runs,
    *,
    limit: int | None,
    with_automations: bool = False,
    webhook: str = "",
    is_dry: bool = False,
) -> None:
    """Create the work pool `local` if needed, then every deployment; a ValueError if that can't be.

    A dry run asks the server, and says what would be created.
    """
    _require_address(webhook)
    with configured_server() as client:
        pool = found_pool(client, runs.pool)
        variables = job_variables(pool, runs)
    content = deployments(runs.pool, variables, limit)
    if is_dry:
        typer.echo(_planned(content, runs.pool, is_new=pool is None))
        return
    with TemporaryDirectory() as empty:  # Prefect imports flows from its current folder first
        folder = Path(empty)
        if pool is None:
            _prefect(folder, "work-pool", "create", LOCAL, "--type", PROCESS)
        file = folder / "prefect.yaml"
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        _prefect(folder, "deploy", "--all", "--prefect-file", str(file))
    if with_automations:
        with configured_server() as client:
            crash_silent_runs(client)
    if webhook:
        from flows.orchestration.worse import call_when_worse

        with configured_server() as client:
            call_when_worse(client, webhook)
    typer.echo(
        f"deployed; start a worker with 'prefect worker start --pool {runs.pool}', then for one "
        "'prefect deployment run generate-pairs/default --watch'"
    )


def _planned(content: dict[str, Any], pool: str, *, is_new: bool) -> str:
    names = ", ".join(f"{each['tags'][-1]}/{each['name']}" for each in content["deployments"])
    where = f"the {'new work pool' if is_new else 'work pool'} '{pool}'"
    return f"would deploy to {where}: {names}; nothing was changed"


def _require_address(webhook: str) -> None:
    if webhook and not (urlsplit(webhook).scheme in ("http", "https") and urlsplit(webhook).netloc):
        raise ValueError("--webhook is no address of a web server; give one as https://HOST/PATH")


def deployments(pool: str, variables: dict[str, Any], limit: int | None) -> dict[str, Any]:
    """The project's `prefect.yaml`, for this pool and with this limit."""
    content: dict[str, Any] = yaml.safe_load(_PREFECT_YAML.read_text(encoding="utf-8"))
    for each in content["deployments"]:
        each["work_pool"] = {"name": pool, "job_variables": variables}
        flow = each["tags"][-1]
        if limit is not None and flow != _WITHOUT_LIMIT:
            each["concurrency_limit"] = _limited(flow, limit)
    return content


def _limited(flow: str, limit: int) -> dict[str, Any]:
    """Runs beyond the limit wait; one by the schedule is cancelled, since the next does the same."""
    from prefect.client.schemas.objects import ConcurrencyLimitStrategy as Further

    if flow == _SCHEDULED:
        return {"limit": 1, "collision_strategy": Further.CANCEL_NEW.value}
    return {"limit": limit, "collision_strategy": Further.ENQUEUE.value}


def _prefect(folder: Path, *words: str) -> None:
    """A command of Prefect's, in a folder that holds no module; a ValueError if it fails."""
    from prefect.settings import get_current_settings

    # Settings may be in files of the folder in which `kdm` was called, where this command isn't.
    told = get_current_settings().to_environment_variables(exclude_unset=True)
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "prefect", "--no-prompt", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **told, **safe_path(), "PWD": os.getcwd()},
    )
    if ended.returncode != 0:
        said = [line.strip() for line in ended.stdout.splitlines() if any(map(str.isalnum, line))]
        raise ValueError(f"'prefect {words[0]}' failed: {said[-1] if said else 'without a reason'}")
