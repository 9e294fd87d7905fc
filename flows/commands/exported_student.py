"""A student to be exported: the model, its pairs' schema, and what a user of the file has to know."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NamedTuple

from kdm.export import load_student
from kdm.report.existing_card import licence_of
from kdm.students.student import Student
from kdm.trained import CONFIG, Kept, read_best, read_config, read_weights
from storage.digest import sha256_of
from storage.exporters.picture_bytes import require_pictures, rounding_of
from storage.folders import Folder
from storage.options import parse
from storage.records import PairSchema, Rounding


@dataclass(frozen=True)
class Export:
    """What the user asks for when exporting a student."""

    to: str
    out: str = ""
    as_bytes: bool = False
    num_steps: int | None = None
    weights: Kept = "last"
    is_dry: bool = False


class ExportedStudent(NamedTuple):
    """What is written of a student."""

    name: str
    model: Student
    schema: PairSchema
    facts: dict[str, Any]

    def byte_rounding(self) -> Rounding:
        """How its samples become bytes; a ValueError if they aren't pictures."""
        require_pictures(self.schema.shape, "leave --as-bytes out")
        return rounding_of(self.schema)


def loaded(folder: Folder, wanted: Export) -> ExportedStudent:
    """The student with the steps that the user asks for; a ValueError if it doesn't sample in steps."""
    model = load_student(folder, weights=wanted.weights)
    config = read_config(folder)
    assert config is not None  # the student was loaded
    schema = parse(PairSchema, config["schema"], f"{folder.url}/{CONFIG}: schema")
    _settle_steps(model, wanted.num_steps, folder.name)
    return ExportedStudent(folder.name, model, schema, _facts(folder, config, model, wanted))


def _settle_steps(model: Student, num_steps: int | None, name: str) -> None:
    if num_steps is None:
        return
    if model.num_steps is None:
        raise ValueError(f"--num-steps {num_steps}: {name} doesn't sample in steps; leave it out")
    model.num_steps = num_steps


def _facts(
    folder: Folder, config: dict[str, Any], model: Student, wanted: Export
) -> dict[str, Any]:
    """What somebody with the file alone has to know."""
    schema, read = config["schema"], read_weights if wanted.weights == "last" else read_best
    return {
        "student": folder.name,
        "weights_sha256": sha256_of(read(folder, config)),
        "shape": schema["shape"],
        "noise_scale": schema["noise"]["scale"],
        "value_range": schema.get("value_range"),
        "num_classes": model.num_classes,
        "nfe": model.nfe,
        "licence": licence_of(folder),
        "made_by": f"kdm-offline {version('kdm-offline')}",
    }
