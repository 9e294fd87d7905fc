"""Where a run that a worker starts stands: in the folder of `kdm deploy`, but it imports nothing from there.

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
    """Go to where relative paths begin; a ValueError where this machine has no such folder."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return
    try:
        os.chdir(folder)
    except OSError as error:
        raise ValueError(
            f"the run was deployed in {folder}, where this machine's worker cannot go ({error.strerror}); "
            "make that folder here, or call 'kdm deploy' in one that both machines have"
        ) from error
