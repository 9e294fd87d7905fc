"""A flow run's name on Prefect's page: flow, recipe and home, as in 'distill tiny in s3://bucket/kdm'."""

import os
from pathlib import Path
from typing import Any

from prefect.runtime import flow_run

from flows.home import home_folder, usual_home
from flows.orchestration.deployed import FOLDER_VARIABLE
from storage.folders.local_paths import user_path


def run_name() -> str:
    """The name of the flow run in progress."""
    given: dict[str, Any] = flow_run.parameters
    words = [flow_run.flow_name, given.get("recipe"), given.get("split"), _in_home(given)]
    return " ".join(str(word) for word in words if word)


def _in_home(given: dict[str, Any]) -> str:
    """'in HOME'; nothing if it can't be one, which the run itself explains."""
    deployed = os.environ.get(FOLDER_VARIABLE)
    try:
        place = given.get("home") or usual_home()
        if deployed and "://" not in place:  # the run hasn't entered its folder yet
            place = str(Path(deployed, user_path(place)))
        return f"in {home_folder(place).url}"
    except ValueError:
        return ""
