"""A recipe: one complete, frozen, serialisable run, from data set to report."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flows.config.filter_rules import (
    require_claim_kept,
    require_claim_told,
    require_copy_finder,
    require_data,
    require_one_rate,
    require_pictures,
    stated_claim,
)
from flows.config.generated_pairs import FilterRecipe, GeneratedPairs
from flows.config.imported_pairs import ImportedPairs, Name
from flows.config.stored_pairs import StoredPairs
from flows.config.student_recipe import StudentRecipe
from flows.config.teacher_recipe import TeacherRecipe
from kdm.datasets import DataSet, described, splits_of
from kdm.evaluate.evaluate import needs_of, require_distinct, require_needs
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.licences import OWN, UNKNOWN, inherited
from kdm.presets.preset_choice import with_preset
from pairgen.teachers.plugin import TeacherPlugin
from storage.did_you_mean import nearest
from storage.digest import digest_of
from storage.options import LastingOptions, Options
from storage.records import LabelRule, PairSchema


def _require_digits(decision: str) -> str:
    if not re.fullmatch("[0-9a-f]{4,64}", decision):
        raise ValueError(
            "name a decision by at least the first 4 digits of its digest; 'kdm pairs show' prints them"
        )
    return decision


class Privacy(LastingOptions):
    """Whether students may read pairs that weren't filtered, or that a filter dropped."""

    added_later: ClassVar[Mapping[str, Any]] = {
        "masks": None,
        "gives_up_differential_privacy": False,
    }

    required: bool = False  # refuse a recipe without a filter that finds copies
    # For a recipe without filters: the decisions to apply, by their first digits; []: read every pair.
    masks: tuple[Annotated[str, AfterValidator(_require_digits)], ...] | None = None
    # True: filters may read the training data though the teacher's claim is void then.
    gives_up_differential_privacy: bool = False


class Recipe(Options):
    """Teacher, pairs, filters, students and evaluation: everything that defines a run."""

    name: Name  # lower case, digits and hyphens; it names the report
    title: str  # the report's heading
    # Real data: the teacher learns from it, and filters compare with it.
    dataset: DataSet | None = None
    teacher: TeacherRecipe | None = None  # null for imported and stored pairs
    # Made by the teacher, imported, or an existing set.
    pairs: Annotated[GeneratedPairs | ImportedPairs | StoredPairs, Field(discriminator="kind")]
    filters: tuple[FilterRecipe, ...] = ()  # each gives a mask beside the pairs; all of them decide
    # All read the same shards; `preset` stands for a model and its training.
    students: tuple[Annotated[StudentRecipe, BeforeValidator(with_preset)], ...] = ()
    # What is measured of each student, and on how much.
    evaluation: EvaluationOptions = EvaluationOptions()
    privacy: Privacy = Privacy()  # which pairs students may read

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if isinstance(self.pairs, GeneratedPairs):
            if self.teacher is None:
                raise ValueError("generated pairs need a 'teacher'")
            if self.dataset is None and self.teacher.training:
                raise ValueError("a teacher that is trained needs a 'dataset'")
            _require_noise_of(self.teacher.model, self.pairs.pairs.noise.scale)
            _require_classes_of(self.teacher, self.pairs.pairs, self.dataset)
        require_data(self._rules, self.dataset)
        require_one_rate(self.joint_filters)
        require_claim_kept(
            self._rules,
            self.dataset,
            stated_claim(self.teacher, self.pairs),
            is_given_up=self.privacy.gives_up_differential_privacy,
        )
        require_claim_told(self._at_write, self.dataset, stated_claim(self.teacher, self.pairs))
        if self.shape is not None:
            self.require_filters_fit(self.shape)
        elif self.privacy.required:
            require_copy_finder(self._rules, None)
        if self.dataset is not None and self.shape not in (None, self.dataset.shape):
            raise ValueError(
                f"pairs have shape {self.shape}, the data set has {self.dataset.shape}; "
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

    def chosen_students(self, names: Collection[str]) -> list[StudentRecipe]:
        """The students of these names and what finishes them, in the recipe's order; all if none is named."""
        known = [student.name for student in self.students]
        for name in names:
            if name not in known:
                raise ValueError(
                    f"recipe '{self.name}' has no student '{name}'; {nearest(name, known)}"
                )
        return [
            student
            for student in self.students
            if not names or student.name in names or student.after in names
        ]

    def student(self, name: str) -> StudentRecipe:
        """The student of this name, which there is."""
        return next(each for each in self.students if each.name == name)

    def require_measurable(self) -> None:
        """Raise a ValueError if a metric can't measure these pairs, or lacks what it needs."""
        if isinstance(self.pairs, StoredPairs) and not self.pairs.heldout:
            raise ValueError(f"{self.pairs.folder} lacks held-out pairs to measure students on")
        for metric in self.evaluation.metrics:
            if self.shape is not None:  # or else `teacher_samples` looks, once it is known
                metric.require_shape(self.shape)
            metric.require_files()
            metric.require_real(splits_of(self.dataset))
        if self.shape is None:
            return
        if not isinstance(self.pairs, ImportedPairs):
            needs = needs_of(self.evaluation.metrics)
            require_needs(needs, label=self._label, dataset=self.dataset)

    def require_filters_fit(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError if filters can't judge samples of this shape, or don't keep copies out."""
        require_pictures(self._rules, shape)
        if self.privacy.required:
            require_copy_finder(self._rules, shape)

    def require_learnable(self, students: Iterable[StudentRecipe]) -> None:
        """Raise a ValueError if a student can't learn samples of this shape, or lacks the labels it needs.

        Or if all pairs would choose among its averages.
        """
        for student in students:
            student.require_count(self.pairs.train)
            if self.shape is None:  # training itself looks, once it is known
                continue
            student.require_labels(self._label)
            if isinstance(self.pairs, GeneratedPairs):
                student.require_states(self.pairs.pairs)
                assert self.teacher is not None  # checked above
                student.require_start(self.teacher.model, self.shape)
            student.require_shape(self.shape)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits of its pairs; a stored set may lack held-out pairs."""
        return ("train", "heldout") if self.pairs.heldout else ("train",)

    @property
    def shape(self) -> tuple[int, ...] | None:
        pairs = self.pairs
        return pairs.pairs.shape if isinstance(pairs, GeneratedPairs) else pairs.shape

    @property
    def _label(self) -> LabelRule | None:
        """Known for generated and stored pairs only; imported ones say it when they're read."""
        match self.pairs:
            case GeneratedPairs(pairs=schema):
                return schema.label
            case StoredPairs(label=label):
                return label
        return None

    @property
    def joint_filters(self) -> tuple[FilterRecipe, ...]:
        """The filters that share one false-positive rate."""
        return tuple(each for each in self.filters if each.jointly and each.threshold is None)

    @property
    def _rules(self) -> tuple[FilterRecipe, ...]:
        return (*self.filters, *self._at_write)

    @property
    def _at_write(self) -> tuple[FilterRecipe, ...]:
        return self.pairs.drop_at_write if isinstance(self.pairs, GeneratedPairs) else ()

    def document(self) -> dict[str, Any]:
        """The recipe with every default resolved, as JSON values."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """The digest of the whole recipe; each stage has its own narrower one.

        Licences and claims are left out, because correcting one isn't another run. So are the places of
        data and pairs.
        """
        document = self.document()
        if self.dataset is not None:
            document["dataset"] = described(self.dataset)
        for said_by_spec in ("folder", "label"):
            document["pairs"].pop(said_by_spec, None)
        for part in ("teacher", "pairs"):
            if document[part] is not None:
                document[part].pop("license", None)
                document[part].pop("differential_privacy", None)
        return digest_of(document)

    def licence(self) -> str:
        """The licence of the pairs and of students trained on them: the teacher's and the data's together."""
        if isinstance(self.pairs, ImportedPairs | StoredPairs):
            return self.pairs.license
        assert self.teacher is not None  # checked above
        if self.dataset is None and (self.teacher.stored or self.teacher.model.is_given):
            return self.teacher.license or UNKNOWN
        data = self.dataset.license if self.dataset else OWN
        return inherited(self.teacher.license or data, data)


def _require_noise_of(teacher: TeacherPlugin, scale: float) -> None:
    if scale != teacher.noise_scale:
        raise ValueError(
            f"pairs.noise.scale is {scale}, but teacher '{teacher.plugin}' starts from noise of "
            f"standard deviation {teacher.noise_scale}; set pairs.noise.scale to that"
        )


def _require_classes_of(teacher: TeacherRecipe, pairs: PairSchema, dataset: DataSet | None) -> None:
    """A class-conditional teacher must learn and sample the same number of classes."""
    wanted: int = getattr(teacher.model, "num_classes", 0)  # not every teacher is class-conditional
    given = pairs.label.num_classes if pairs.label else None
    if not wanted and given and teacher.stored:
        raise ValueError(
            f"teacher '{teacher.stored}' isn't class-conditional, but the pairs have {given}; remove "
            "pairs.pairs.label, or choose another teacher"
        )
    if not wanted:
        return
    name = f"teacher '{teacher.stored or teacher.model.plugin}' is conditioned on {wanted} classes"
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
