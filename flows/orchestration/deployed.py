"""The working folder of a run that a worker starts: that of `kdm deploy`, without importing anything from it.

Prefect puts the folder that a deployment's pull step names on PYTHONPATH, before the standard library; a
`random.py` or another package `kdm` there would be imported. So the pull step names the empty folder that
Prefect has made for this run, and the flow goes to its own folder once everything is imported.
"""

import os

FOLDER_VARIABLE = "KDM_DEPLOYED_IN"  # set by prefect.yaml


def stay_in_empty_folder() -> dict[str, str]:
    """The pull step."""
    return {"directory": os.getcwd()}


def enter_folder() -> None:
    """Change to the folder of the deployment; a ValueError if this machine doesn't have it."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return
    try:
        os.chdir(folder)
    except OSError as error:
        raise ValueError(
            f"the run was deployed in {folder}, which this machine's worker can't enter ({error.strerror}); "
            "create that folder here, or run 'kdm deploy' in one that both machines have"
        ) from error
