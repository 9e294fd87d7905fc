"""The examples, shortened for tests; notebooks as files, without what executes them for people."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
# What decides how long they take; none of it is what they show.
SHORTER = [
    (r"num_steps=\d+", "num_steps=12"),
    (r"% 100 == 0", "% 5 == 0"),
    (r"train=\d+", "train=256"),
    (r"(TEACHER_STEPS|STEPS) = \d+", r"\1 = 12"),
    (r"NUM_PAIRS = \d+", "NUM_PAIRS = 256"),
    (r'("pairs.heldout": )\d+', r'\g<1>256, "pairs.sampler.num_steps": 3'),
    (r'("teacher.training.)num_steps"', r'\g<1>samples_every": 0, \g<0>'),
]


class Cell(NamedTuple):
    """A cell of code and what is stored as its outputs."""

    source: str
    outputs: list[dict[str, Any]]
    execution_count: int | None


def code_cells(notebook: Path) -> list[Cell]:
    """A notebook's cells of code, in order; of format 4, whose sources are lists of lines."""
    document = json.loads(notebook.read_text(encoding="utf-8"))
    assert document["nbformat"] == 4
    return [
        Cell("".join(each["source"]), each["outputs"], each["execution_count"])
        for each in document["cells"]
        if each["cell_type"] == "code"
    ]


def shortened(text: str) -> str:
    """An example that takes seconds."""
    for long, short in SHORTER:
        text = re.sub(long, short, text)
    return text
