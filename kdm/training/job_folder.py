"""A training job at rest: the document that describes it, and the folder in which it is done or isn't."""

import json
from typing import Any

from kdm.trained import read_config, read_weights
from kdm.training.job import TrainingJob
from storage.differing_fields import differing_fields
from storage.errors import MismatchError
from storage.folders import Folder, folder_at
from storage.options import parse


def read_job(url: str) -> TrainingJob:
    """The job of a JSON document at a path or URL; a ValueError if it is missing or wrong."""
    place, slash, name = url.rpartition("/")
    folder = folder_at(place or slash or ".")
    try:
        document = json.loads(folder.read(name))
    except FileNotFoundError as error:
        raise ValueError(f"there is no job at {url}") from error
    except ValueError as error:
        raise ValueError(f"job {url} is not JSON: {error}") from error
    return parse(TrainingJob, document, f"job {url}")


def is_done(folder: Folder, identity: dict[str, Any]) -> bool:
    """Whether a job of this identity is done in the folder, with weights whose digest agrees.

    Raises `MismatchError`, naming the fields that differ, if another job was done there, and
    `DamageError` if the weights aren't what was written.
    """
    config = read_config(folder)
    if config is None:
        return False
    fields = differing_fields(config["identity"], identity)
    if fields:
        raise MismatchError(
            f"{folder.url}/config.json is of another training, which differs in "
            f"{', '.join(fields)}: use another folder, or remove it"
        )
    read_weights(folder, config)
    return True
