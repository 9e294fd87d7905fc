"""The work pool that runs of the deployments come from, and what it has to be told about them.

Runs of a pool of type `process` are processes of its worker. Those of every other type (docker, kubernetes …)
are containers: each has an image of its own, no folder of this machine, and a disk that goes when it ends.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.orchestration.prefect_settings import patience
from storage.did_you_mean import nearest

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

LOCAL = "local"  # the pool that `kdm deploy` makes itself
PROCESS = "process"
_PREFECTS_OWN = "prefecthq/prefect"  # images of Prefect alone


@dataclass(frozen=True)
class Runs:
    """What the user says about the runs of a pool; '' where the pool decides."""

    pool: str = LOCAL
    image: str = ""
    home: str = ""


@dataclass(frozen=True)
class Pool:
    """A pool as the server knows it."""

    name: str
    type: str
    template: dict[str, Any]  # of the jobs that its runs are


def found_pool(client: "SyncPrefectClient", name: str) -> Pool | None:
    """The pool of this name; None if it is `local` and still to be made; a ValueError if there is none."""
    from prefect.exceptions import ObjectNotFound

    try:
        pool = client.read_work_pool(name)
    except ObjectNotFound as error:
        if name == LOCAL:
            return None
        known = nearest(name, [pool.name for pool in client.read_work_pools()])
        raise ValueError(
            f"the server has no work pool '{name}' ({known}); make it with 'prefect work-pool create "
            f"{name} --type process', or with the type docker or kubernetes, and deploy again"
        ) from error
    return Pool(pool.name, pool.type, pool.base_job_template)


def job_variables(pool: Pool | None, runs: Runs) -> dict[str, Any]:
    """What each run is started with; a ValueError if it could not work, as a container without `kdm`."""
    # No module is imported from the folder that the worker, or the container, was started in.
    environment = {"PYTHONSAFEPATH": "1", **patience()}
    if runs.home:
        environment["KDM_HOME"] = runs.home
    if pool is None or pool.type == PROCESS:
        if runs.image:
            raise ValueError(
                f"runs of the work pool '{runs.pool}' are processes of its worker, without an image; leave "
                "--image out, or name a pool of the type docker or kubernetes with --pool"
            )
        # Nor from the folder of the deployments, which a flow enters later (flows/orchestration/deployed.py).
        return {"env": environment | {"KDM_DEPLOYED_IN": "{{ $PWD }}"}}
    _require_image(pool, runs)
    _require_lasting_home(pool, runs)
    return {"env": environment} | ({"image": runs.image} if runs.image else {})


def _require_image(pool: Pool, runs: Runs) -> None:
    properties = pool.template.get("variables", {}).get("properties", {})
    if "image" not in properties:
        if runs.image:
            raise ValueError(
                f"the work pool '{pool.name}' of the type {pool.type} has no variable 'image'; leave --image "
                "out, or add it to the pool's base job template"
            )
        return
    usual = properties["image"].get("default") or ""
    if not runs.image and (not usual or _PREFECTS_OWN in usual):
        raise ValueError(
            f"runs of the work pool '{pool.name}' would start in {usual or 'an image of Prefect'}, which "
            "doesn't have kdm; give --image with yours, as in --image kdm-offline:cpu (docs/clusters.md)"
        )


def _require_lasting_home(pool: Pool, runs: Runs) -> None:
    if not runs.home and "KDM_HOME" not in json.dumps(pool.template):
        raise ValueError(
            f"runs of the work pool '{pool.name}' are containers, and a home on their own disk is lost "
            "when they end; give --home with a bucket or a mounted folder, as in --home s3://bucket/kdm"
        )
    if runs.home and "://" not in runs.home and not runs.home.startswith("/"):
        raise ValueError(
            f"--home {runs.home} is a relative path, and runs of the work pool '{pool.name}' are containers; "
            "give a bucket (s3://bucket/kdm) or the whole path of a folder that is mounted in them"
        )
