"""A recipe: one complete, frozen, serialisable run, from data set to report."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from flows.asked import complete, lay_over
from flows.imported_pairs import ImportedPairs, Layout, Name
from flows.overrides import apply_override
from flows.recipe_files import read_recipe
from flows.stored_pairs import StoredPairs
from kdm.datasets import DataSet, described
from kdm.evaluate.evaluate import needs_of, require_distinct, require_needs
from kdm.evaluate.options import EvaluationOptions
from kdm.licences import OWN, UNKNOWN, Licence, inherited
from kdm.students.plugin import StudentPlugin
from kdm.students.preset_choice import with_preset
from kdm.training.options import TrainingOptions
from pairgen.filters.filter import Filter
from pairgen.precision import Precision
from pairgen.samplers.sampler import Sampler
from pairgen.spec import require_generable
from pairgen.teachers.plugin import TeacherPlugin
from storage.digest import digest_of
from storage.fs import Folder
from storage.manifest import Digest
from storage.options import LastingOptions, Options, parse
from storage.plugins import Configured
from storage.records import LabelRule, PairSchema
from storage.store import DEFAULT_LAYOUT

_IN_FILES = ("image-folder", "image-tars", "arrays")  # kinds of data sets that have a source
_MADE_HERE = ("checkerboard", "digits")  # those that need no file


class TeacherRecipe(LastingOptions):
    """A field and how it is trained; one that is stored already, or known in closed form, is not."""

    added_later: ClassVar[Mapping[str, Any]] = {"stored": None, "weights": None}

    name: Name
    model: Annotated[TeacherPlugin, Configured("pairgen.teachers")]
    stored: str | None = None  # its folder below teachers/ of the home
    weights: Digest | None = None  # of that folder: they name its pairs
    training: TrainingOptions | None = None
    license: Licence | None = None  # of its weights; by default the data's, if trained here

    @model_validator(mode="after")
    def _check_training(self) -> Self:
        if (self.stored is None) != (self.weights is None):
            raise ValueError("'stored' and 'weights' are of one teacher; give both or neither")
        if self.stored is not None and self.training is not None:
            raise ValueError("a stored teacher is trained already; remove 'training' or 'stored'")
        if self.stored is not None:
            return self
        if self.model.is_imported:
            raise ValueError(
                f"teacher '{self.model.plugin}' is trained already: name it, --teacher"
            )
        if self.model.is_trained and self.training is None:
            raise ValueError(f"teacher '{self.model.plugin}' must be trained; give it 'training'")
        if not self.model.is_trained and self.training is not None:
            raise ValueError(f"teacher '{self.model.plugin}' is known; remove its 'training'")
        return self


def _require_batch(batch: Any) -> Any:
    if batch != "auto" and (type(batch) is not int or batch < 1):
        raise ValueError("give a number of samples from 1, or 'auto'")
    return batch


class FilterRecipe(Options):
    """A filter and where it cuts: at a stated false-positive rate, or at a given threshold."""

    filter: Annotated[Filter, Configured("pairgen.filters")]
    fpr: float = Field(0.01, ge=0, lt=1)  # share of held-out real samples that it would drop
    threshold: float | None = None  # in the filter's own unit; takes the place of `fpr`


class GeneratedPairs(LastingOptions):
    """Pairs that the teacher makes."""

    added_later: ClassVar[Mapping[str, Any]] = {
        "precision": "float32",
        "guidance": None,
        "num_threads": 1,
        "num_workers": 0,
        "is_compiled": False,
    }

    kind: Literal["generated"] = "generated"
    name: Name
    sampler: Annotated[Sampler, Configured("pairgen.samplers")]
    pairs: PairSchema
    train: int = Field(ge=1, le=10**10)  # indices asked for
    heldout: int = Field(ge=1, le=10**10)
    precision: Precision = "float32"  # of the teacher's networks
    guidance: float | None = Field(None, gt=0)  # weight of classifier-free guidance
    # Samples at once; 'auto': as the device holds. Part of the environment.
    sampling_batch: Annotated[int | Literal["auto"], BeforeValidator(_require_batch)] = 4096
    num_threads: int = Field(1, ge=1, le=1024)  # a worker, on a CPU; part of the environment
    # Shards in the making at once; 0: one a GPU, or one for each CPU core. No number depends on it.
    num_workers: int = Field(0, ge=0, le=1024)
    is_compiled: bool = False  # the teacher's networks by torch.compile; part of the environment
    layout: Layout = DEFAULT_LAYOUT
    drop_at_write: tuple[FilterRecipe, ...] = ()

    @field_validator("pairs", mode="before")
    @classmethod
    def _store_pictures_as_bytes(cls, pairs: Any) -> Any:
        if _is_picture(pairs) and not {"x_0_dtype", "rounding"} & set(pairs):
            return {**pairs, "x_0_dtype": "uint8", "rounding": "half-even"}
        return pairs

    @model_validator(mode="after")
    def _check_schema(self) -> Self:
        require_generable(self.pairs, self.sampler, guidance=self.guidance)
        return self


class StudentRecipe(LastingOptions):
    """A student and how it is trained."""

    added_later: ClassVar[Mapping[str, Any]] = {"needs_labels": False}

    name: Name
    needs_labels: bool = False  # whether pairs without classes are refused, and not learned without
    model: Annotated[StudentPlugin, Configured("kdm.students")]
    training: TrainingOptions

    def require_labels(self, label: LabelRule | None) -> None:
        """Raise a ValueError where pairs have no classes and the student is one that is told them."""
        if self.needs_labels and label is None:
            raise ValueError(
                f"student '{self.name}' is told classes, and the pairs have no labels; choose pairs with "
                "labels, a preset without 'cond', or set needs_labels to false"
            )


def _require_digits(decision: str) -> str:
    if not re.fullmatch("[0-9a-f]{4,64}", decision):
        raise ValueError(
            "a decision goes by the first digits of its digest, at least 4; 'kdm pairs show' prints them"
        )
    return decision


class Privacy(LastingOptions):
    """Whether students may read pairs that no filter has judged, or that one has dropped."""

    added_later: ClassVar[Mapping[str, Any]] = {"masks": None}

    required: bool = False
    # The decisions to read by where the recipe has no filters, by their first digits; []: read every pair.
    masks: tuple[Annotated[str, AfterValidator(_require_digits)], ...] | None = None


class Recipe(Options):
    """Teacher, pairs, filters, students, evaluation: all that a run is."""

    name: Name
    title: str
    dataset: DataSet | None = None
    teacher: TeacherRecipe | None = None
    pairs: Annotated[GeneratedPairs | ImportedPairs | StoredPairs, Field(discriminator="kind")]
    filters: tuple[FilterRecipe, ...] = ()
    students: tuple[Annotated[StudentRecipe, BeforeValidator(with_preset)], ...] = ()
    evaluation: EvaluationOptions = EvaluationOptions()
    privacy: Privacy = Privacy()

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if isinstance(self.pairs, GeneratedPairs):
            if self.teacher is None:
                raise ValueError("generated pairs need a 'teacher'")
            if self.dataset is None and (self.teacher.training or self.pairs.drop_at_write):
                raise ValueError("a teacher that is trained, or a filter, needs a 'dataset'")
            _require_noise_of(self.teacher.model, self.pairs.pairs.noise.scale)
            _require_classes_of(self.teacher, self.pairs.pairs, self.dataset)
        if self.filters and self.dataset is None:
            raise ValueError("filters compare pairs with real data: give a 'dataset'")
        if self._calibrates and self.dataset is not None and not self.dataset.has_heldout:
            raise ValueError(
                "a filter finds its threshold on real samples that no teacher saw, and the data set "
                "holds none out; give dataset.num_heldout, or the filter a threshold"
            )
        if self.privacy.required and not any(rule.filter.finds_copies for rule in self._rules):
            raise ValueError(
                "privacy.required is true, but the recipe has no filter that finds copies; add "
                "'near-copy' to filters"
            )
        if self.dataset is not None and self._shape not in (None, self.dataset.shape):
            raise ValueError(
                f"pairs have shape {self._shape}, the data set has {self.dataset.shape}; "
                "they must be equal"
            )
        if self.filters and self.privacy.masks is not None:
            raise ValueError(
                "the recipe's filters decide which pairs are read; leave out --mask (privacy.masks), or "
                "take the filters out with --set filters=[]"
            )
        require_distinct(self.evaluation.metrics)
        names = [student.name for student in self.students]
        if len(set(names)) != len(names):
            raise ValueError(f"students must have different names (got {names})")
        return self

    def require_measurable(self) -> None:
        """Raise a ValueError where a metric cannot measure the pairs, or lacks what it needs."""
        if isinstance(self.pairs, StoredPairs) and not self.pairs.heldout:
            raise ValueError(f"{self.pairs.folder} has no held-out pairs to measure students on")
        if self._shape is None:  # the metrics themselves look, once it is known
            return
        for metric in self.evaluation.metrics:
            metric.require_shape(self._shape)
        if not isinstance(self.pairs, ImportedPairs):
            needs = needs_of(self.evaluation.metrics)
            require_needs(needs, label=self._label, dataset=self.dataset)

    def require_learnable(self, students: Iterable[StudentRecipe]) -> None:
        """Raise a ValueError where a student cannot learn samples of the pairs' shape, or lacks labels."""
        if self._shape is None:  # training itself looks, once it is known
            return
        for student in students:
            student.require_labels(self._label)
            try:
                student.model.require_shape(self._shape)
            except ValueError as error:
                raise ValueError(f"student '{student.name}': {error}") from error

    @property
    def splits(self) -> tuple[str, ...]:
        """Of its pairs; stored ones may have no held-out pairs."""
        return ("train", "heldout") if self.pairs.heldout else ("train",)

    @property
    def _shape(self) -> tuple[int, ...] | None:
        pairs = self.pairs
        return pairs.pairs.shape if isinstance(pairs, GeneratedPairs) else pairs.shape

    @property
    def _label(self) -> LabelRule | None:
        """Of imported pairs only the source says it; those of points have none."""
        match self.pairs:
            case GeneratedPairs(pairs=schema):
                return schema.label
            case StoredPairs(label=label):
                return label
        return None

    @property
    def _rules(self) -> tuple[FilterRecipe, ...]:
        at_write = self.pairs.drop_at_write if isinstance(self.pairs, GeneratedPairs) else ()
        return (*self.filters, *at_write)

    @property
    def _calibrates(self) -> bool:
        return any(choice.threshold is None for choice in self._rules)

    def document(self) -> dict[str, Any]:
        """The recipe with every default resolved, as JSON values."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """The digest of the whole recipe; each stage has a narrower one of its own.

        A licence is left out: to say it better makes no other run. So is where data and pairs lie.
        """
        document = self.document()
        if self.dataset is not None:
            document["dataset"] = described(self.dataset)
        for said_by_spec in ("folder", "label"):
            document["pairs"].pop(said_by_spec, None)
        for part in ("teacher", "pairs"):
            if document[part] is not None:
                document[part].pop("license", None)
        return digest_of(document)

    def licence(self) -> str:
        """The licence of the pairs, and of what learns from them: the teacher's and the data's."""
        if isinstance(self.pairs, ImportedPairs | StoredPairs):
            return self.pairs.license
        assert self.teacher is not None  # checked above
        if self.dataset is None and self.teacher.stored:
            return self.teacher.license or UNKNOWN
        data = self.dataset.license if self.dataset else OWN
        return inherited(self.teacher.license or data, data)


def _is_picture(pairs: Any) -> bool:
    """Grey or colour, [1 or 3, H, W]: other channels are latents, which bytes would spoil."""
    shape = pairs.get("shape") if isinstance(pairs, Mapping) else None
    return isinstance(shape, list | tuple) and len(shape) == 3 and shape[0] in (1, 3)


def _require_noise_of(teacher: TeacherPlugin, scale: float) -> None:
    if scale != teacher.noise_scale:
        raise ValueError(
            f"pairs.noise.scale is {scale}, but teacher '{teacher.plugin}' starts from noise of "
            f"standard deviation {teacher.noise_scale}; set pairs.noise.scale to that"
        )


def _require_classes_of(teacher: TeacherRecipe, pairs: PairSchema, dataset: DataSet | None) -> None:
    """A teacher that is told classes must learn and sample as many."""
    wanted: int = getattr(teacher.model, "num_classes", 0)  # not every teacher can be told any
    given = pairs.label.num_classes if pairs.label else None
    if not wanted and given and teacher.stored:
        raise ValueError(
            f"teacher '{teacher.stored}' knows no classes, but pairs have {given}; remove "
            "pairs.pairs.label, or choose another teacher"
        )
    if not wanted:
        return
    name = f"teacher '{teacher.stored or teacher.model.plugin}' is told one of {wanted} classes"
    if given != wanted:
        own = f"set the teacher's num_classes to {given or 0}"
        other = "choose another teacher" if teacher.stored else own
        raise ValueError(
            f"{name}, but pairs have {given or 'no'} classes; set pairs.pairs.label to "
            f"{{rule: cycle, num_classes: {wanted}}}, or {other}"
        )
    learned = dataset.num_classes if dataset else None
    if teacher.training and learned != wanted:
        raise ValueError(
            f"{name}, but the data set has {learned or 'no'} classes; take a data set with "
            f"{wanted}, or set the teacher's num_classes to {learned or 0}"
        )


def load_recipe(
    recipe: str,
    *,
    overrides: Iterable[str] = (),
    count: int | None = None,
    home: Folder | None = None,
    students: Collection[str] = (),
) -> Recipe:
    """A recipe by name or by path of a YAML file, with `a.b=c` overrides on top.

    `count` is the number of training indices. Of `students` those that the recipe does not list may
    be presets. Stored pairs or a stored teacher are looked for at the home, and what
    the recipe does not say of its pairs is taken from there. Raises ValueError with every fault.
    """
    document = read_recipe(recipe)
    lay_over(document, overrides, students)
    if count is not None:
        _set_count(document, count)
    _require_data(document, recipe)
    if home is not None:
        complete(document, home)
    return parse(Recipe, document, f"recipe '{recipe}'")


def _set_count(document: dict[str, Any], count: int) -> None:
    pairs = document.get("pairs")
    if isinstance(pairs, Mapping) and pairs.get("kind") == "imported":
        raise ValueError(
            f"count is {count}, but imported pairs cannot grow; "
            "choose rows with --set 'pairs.train_rows=[FIRST, END]'"
        )
    apply_override(document, f"pairs.train={count}")


def _require_data(document: Mapping[str, Any], recipe: str) -> None:
    dataset = document.get("dataset")
    if not isinstance(dataset, Mapping):
        return
    if "source" in dataset and "kind" not in dataset:
        raise ValueError(
            f"recipe '{recipe}' reads no real data, so there is nothing to do with --data; add its "
            "kind and shape: --set dataset.kind=image-folder --set 'dataset.shape=[3, 32, 32]'"
        )
    if dataset.get("kind") in _IN_FILES and not dataset.get("source"):
        raise ValueError(
            f"recipe '{recipe}' reads real data of kind {dataset['kind']}: name them with --data PATH"
        )
    if dataset.get("kind") in _MADE_HERE and "source" in dataset:
        raise ValueError(
            f"the data of recipe '{recipe}' are '{dataset['kind']}', which needs no file; leave "
            "--data out"
        )
