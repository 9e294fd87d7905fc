"""Pages of the names for use in Python: what `import kdm` offers, and what plugins are made of.

They are read from the files as they stand (website/source_files.py): signatures, docstrings, and the
comments of fields.
"""

import ast
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from website.docstrings import link_to, markdown_of, plain
from website.places import ROOT
from website.source_files import (
    Definition,
    base_of,
    comment_of,
    definition,
    fields_of,
    name_of,
    parsed,
)

FOLDER = "api"


class Page(NamedTuple):
    """Names that belong together."""

    title: str
    about: str
    names: tuple[str, ...]


_PAGES = {
    "pairs": Page(
        "Sets of pairs",
        "What reads a set ([Reading pairs](../reading.md)), and what a pair is.",
        (
            *("storage.store.PairStore", "storage.folders.folder_at", "storage.masks.Mask"),
            *("storage.reading.reader.PairReader", "storage.reading.order.Order"),
            *("storage.reading.order.Position", "storage.reading.share.Share"),
            *("storage.records.PairBatch", "storage.records.LoadedPairs"),
            *("storage.records.PairSchema", "storage.records.NoiseRule"),
            *("storage.records.LabelRule", "storage.noise.derive_noise"),
            *("kdm.data.PairDataset", "kdm.data.batch_of", "kdm.batch.Batch"),
        ),
    ),
    "teachers": Page(
        "Teachers",
        "What a teacher's plugin defines ([Plugins](../plugins.md#a-teacher)). `Teacher` is on the "
        "page of [kdm](kdm.md).",
        (
            *("pairgen.teachers.plugin.TeacherPlugin", "pairgen.field.Teacher"),
            *("kdm.level.Level", "kdm.level.straight_path", "kdm.level.growing_noise"),
        ),
    ),
    "samplers": Page(
        "Samplers",
        "What a sampler's plugin defines ([Plugins](../plugins.md#a-sampler)).",
        (
            *("pairgen.samplers.sampler.Sampler", "pairgen.samplers.sampler.Trajectory"),
            *("pairgen.samplers.sampler.velocity", "pairgen.samplers.fixed_steps.FixedSteps"),
            "pairgen.samplers.fixed_steps.even_steps",
            *("pairgen.samplers.rule_on_grid.RuleOnGrid", "kdm.solvers.tableau.Tableau"),
        ),
    ),
    "filters": Page(
        "Filters",
        "What a filter's plugin defines ([Plugins](../plugins.md#a-filter)).",
        (
            *("pairgen.filters.filter.Filter", "pairgen.filters.filter.FittedFilter"),
            *("pairgen.filters.filter.Scores", "pairgen.filters.set_filter.SetFilter"),
            *(
                "pairgen.filters.set_filter.FittedSetFilter",
                "pairgen.filters.set_filter.PairShards",
            ),
        ),
    ),
    "students": Page(
        "Students",
        "What a student's plugin defines ([Plugins](../plugins.md#a-student)), and what loads one.",
        (
            *("kdm.students.plugin.StudentPlugin", "kdm.students.student.Student"),
            *("kdm.students.state_reader.StateReader", "kdm.students.koopman.Koopman"),
            "kdm.students.koopman_student.KoopmanStudent",
            *("kdm.objective.Objective", "kdm.objective.Player", "kdm.objective.Pace"),
            *("kdm.objective.Losses", "kdm.objective.weighted", "kdm.export.load_student"),
            "kdm.analyze.spectrum.spectrum",
        ),
    ),
    "distances": Page(
        "Distances",
        "What a distance's plugin defines ([Distances](../losses.md)).",
        ("kdm.losses.distances.Distance",),
    ),
    "metrics": Page(
        "Metrics",
        "What a metric's plugin defines ([Plugins](../plugins.md#what-a-metric-gets-and-returns)), and what "
        "measures a student.",
        (
            *("kdm.metrics.metric.Metric", "kdm.metrics.metric.EstimatedMetric"),
            *("kdm.metrics.metric.Meaning", "kdm.metrics.samples.EvaluationSamples"),
            *("kdm.metrics.bootstrap.Estimate", "kdm.metrics.bootstrap.bootstrap"),
            *("kdm.metrics.bootstrap.resampled", "kdm.metrics.bootstrap.resampled_mean"),
            *("kdm.metrics.network_metric.NetworkMetric", "kdm.evaluate.evaluate.evaluate_student"),
            "flows.documents.evaluated_samples.teacher_samples",
        ),
    ),
    "more-plugins": Page(
        "Analyses, trackers and formats",
        "What the other kinds of plugins define, and what all have in common.",
        (
            *(
                "storage.plugins.Plugin",
                "storage.options.Options",
                "storage.options.LastingOptions",
            ),
            *("kdm.analyze.analysis.Analysis", "kdm.analyze.analysis.Subject"),
            *("kdm.analyze.analysis.Findings", "kdm.analyze.analysis.Drawing"),
            *("kdm.trackers.tracker.TrackerPlugin", "kdm.trackers.tracker.Tracker"),
            "storage.formats.pair_format.PairFormat",
        ),
    ),
    "shapes": Page(
        "Shapes",
        "The types in the signatures of the other pages.",
        tuple(
            f"kdm.shapes.{name}"
            for name in ("Samples", "States", "Points", "Latents", "Labels", "Matrix", "Scalar")
        ),
    ),
}


def pages() -> dict[str, Page]:
    """All of them by name, that of `kdm` itself first if it offers any."""
    offered = tuple(f"kdm.{name}" for name in _offered() if not name.startswith("__"))
    own = Page("The package kdm", "What `import kdm` offers, which lasts.", offered)
    there = {definition(name).name for name in offered}  # each class has one place
    rest = {
        name: page._replace(names=tuple(each for each in page.names if each not in there))
        for name, page in _PAGES.items()
    }
    return ({"kdm": own} if offered else {}) | rest


def _offered() -> list[str]:
    """What kdm/__init__.py lists in `__all__`."""
    for node in parsed(ROOT / "kdm" / "__init__.py").body:
        if isinstance(node, ast.Assign) and name_of(node) == "__all__":
            return [str(each) for each in ast.literal_eval(node.value)]
    return []


def name_pages() -> dict[str, str]:
    """Every page of names by its place on the site."""
    return {
        f"{FOLDER}/{name}.md": _text(page, f"{FOLDER}/{name}.md") for name, page in pages().items()
    }


def documented() -> set[str]:
    """Every name that has an entry, where it is defined."""
    return {definition(name).name for page in pages().values() for name in page.names}


def without_words() -> list[str]:
    """The names, their methods and their fields that nothing explains."""
    found = []
    for page in pages().values():
        for name in page.names:
            entry = definition(name)
            found += [] if _docstring(entry) else [name]
            if isinstance(entry.node, ast.ClassDef):
                found += [f"{name}.{each}" for each in _unexplained(entry, entry.node)]
    return found


def _unexplained(found: Definition, node: ast.ClassDef) -> list[str]:
    methods = [each.name for each in _methods(node) if not _words_of_method(found, each.name)]
    fields = [ast.unparse(each.target) for each in _fields(node)]
    fields = [name for name in fields if not _words_of_field(found, name)]
    return [*fields, *methods]


def _text(page: Page, place: str) -> str:
    entries = [_entry(name, place) for name in page.names]
    return "\n\n".join([f"# {page.title}", page.about, *entries]) + "\n"


def _entry(dotted: str, place: str) -> str:
    found = definition(dotted)
    is_offered = dotted.startswith("kdm.") and dotted.count(".") == 1
    name = dotted if is_offered else found.name
    source = f"Source: [`{found.file}`]({link_to(found.file, place)})"
    body = [markdown_of(_docstring(found), place), *_members(found, name, place), source]
    return _directive(_kind(found.node), f"{name}{_signature(found)}", body, depth=5)


def _kind(node: ast.AST) -> str:
    if isinstance(node, ast.ClassDef):
        return "class"
    return "function" if isinstance(node, ast.FunctionDef) else "data"


def _docstring(found: Definition) -> str:
    if isinstance(found.node, ast.Assign):
        comment = comment_of(ROOT / found.file, found.node)
        return f"`{ast.unparse(found.node.value)}`" + (f": {comment}" if comment else "")
    return ast.get_docstring(found.node) or ""


def _signature(found: Definition) -> str:
    """Of a function, or of what makes an object of a class; empty for a class to derive from."""
    node = found.node
    if isinstance(node, ast.FunctionDef):
        return _call(node)
    if isinstance(node, ast.ClassDef):
        made = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        return next((_call(each) for each in made if each.name == "__init__"), "")
    return ""


def _call(node: ast.FunctionDef) -> str:
    given = node.args
    if given.args and given.args[0].arg in ("self", "cls"):
        given = ast.arguments(**{**vars(given), "args": given.args[1:]})
    returned = (
        f" -> {ast.unparse(node.returns)}" if node.returns and node.name != "__init__" else ""
    )
    return f"({ast.unparse(given)}){returned}"


def _members(found: Definition, name: str, place: str) -> Iterator[str]:
    node = found.node
    if not isinstance(node, ast.ClassDef):
        return
    bases = [ast.unparse(each) for each in node.bases]
    if bases:
        yield "Bases: " + ", ".join(f"`{each}`" for each in bases)
    for field in _fields(node):
        yield _field(found, field, f"{name}.{ast.unparse(field.target)}", place)
    for method in _methods(node):
        words = markdown_of(_words_of_method(found, method.name), place)
        yield _method(method, f"{name}.{method.name}", words)


def _field(found: Definition, field: ast.AnnAssign, name: str, place: str) -> str:
    kind = ast.unparse(field.annotation)
    is_private = kind.startswith("_")  # how a field works, which its words describe
    options = [] if is_private else [f":type: {kind}"]
    if field.value is not None and not is_private:
        options.append(f":value: {ast.unparse(field.value)}")
    words = plain(_words_of_field(found, ast.unparse(field.target)), place)
    return _directive("attribute", name, [words], depth=4, options=options)


def _method(node: ast.FunctionDef, name: str, words: str) -> str:
    marks = {ast.unparse(each) for each in node.decorator_list}
    options = [":abstractmethod:"] if "abstractmethod" in marks else []
    options += [f":{each}:" for each in ("classmethod", "staticmethod") if each in marks]
    if marks & {"property", "cached_property"}:
        kind = [f":type: {ast.unparse(node.returns)}"] if node.returns else []
        return _directive("property", name, [words], depth=4, options=[*options, *kind])
    return _directive("method", f"{name}{_call(node)}", [words], depth=4, options=options)


def _fields(node: ast.ClassDef) -> list[ast.AnnAssign]:
    """The public ones of a class's own body."""
    return [each for each in fields_of(node) if not ast.unparse(each.target).startswith("_")]


def _methods(node: ast.ClassDef) -> list[ast.FunctionDef]:
    """The public ones of a class's own body."""
    functions = [each for each in node.body if isinstance(each, ast.FunctionDef)]
    return [each for each in functions if not each.name.startswith("_")]


def _words_of_field(found: Definition, name: str) -> str:
    """A field's comment, or that of the same field of a base."""
    if not isinstance(found.node, ast.ClassDef):
        return ""
    own = [each for each in _fields(found.node) if ast.unparse(each.target) == name]
    said = comment_of(ROOT / found.file, own[0]) if own else ""
    bases = [base_of(found, each) for each in found.node.bases]
    return said or next(filter(None, (_words_of_field(each, name) for each in bases if each)), "")


def _words_of_method(found: Definition, name: str) -> str:
    """A method's docstring, or that of the same method of a base."""
    if not isinstance(found.node, ast.ClassDef):
        return ""
    own = [each for each in _methods(found.node) if each.name == name]
    said = ast.get_docstring(own[0]) if own else None
    bases = [base_of(found, each) for each in found.node.bases]
    return said or next(filter(None, (_words_of_method(each, name) for each in bases if each)), "")


def _directive(
    kind: str, head: str, body: list[str], *, depth: int, options: list[str] | None = None
) -> str:
    """A directive of Sphinx; those inside it have fewer backticks."""
    fence = "`" * depth
    inner = "\n\n".join(part for part in body if part)
    lines = [f"{fence}{{py:{kind}}} {head}", *(options or []), "", textwrap.dedent(inner), fence]
    return "\n".join(lines)
