"""The page that raters get: one file with all collages, which asks the network for nothing.

Its policy (CSP) allows no network and no script but its own, by the script's digest.
"""

import base64
import json
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kdm.human.collages import Study


def human_page(study: Study, *, name: str, question: str) -> str:
    """The page of a study called `name`, which asks `question` of each pair of collages.

    A rater's code decides in which order and on which sides that rater sees them.
    """
    environment = Environment(
        loader=PackageLoader("kdm.human", ""), autoescape=True, undefined=StrictUndefined
    )
    style = files("kdm.human").joinpath("human.css").read_text(encoding="utf-8")
    script = files("kdm.human").joinpath("human.js").read_text(encoding="utf-8")
    digest = "sha256-" + base64.b64encode(sha256(script.encode()).digest()).decode()
    return environment.get_template("human.html.j2").render(
        data=Markup(_data(study, name)),
        style=Markup(style),
        script=Markup(script),
        script_digest=digest,
        question=question,
        num_questions=len(study.questions),
    )


def _data(study: Study, name: str) -> str:
    """The questions as JSON, in an order that a rater's code changes; no '<' ends the element."""
    questions = [
        {
            "question": each.name,
            "collages": [
                {"name": collage, "png": base64.b64encode(data).decode()}
                for collage, data in each.collages
            ],
        }
        for each in sorted(study.questions, key=lambda each: each.name)
    ]
    return json.dumps({"study": name, "questions": questions}).replace("<", "\\u003c")
