"""The levels of the stored states, for students that read states: taken from the set's spec."""

from flows.config.student_recipe import StudentRecipe
from kdm.students.plugin import StudentPlugin
from kdm.students.state_reader import StateReader
from storage.options import parse
from storage.store import PairStore


def with_levels(student: StudentRecipe, pairs: PairStore) -> StudentPlugin:
    """The student's options, with the levels of these pairs if it reads states and doesn't have them.

    A ValueError if the pairs don't hold states, or don't say at which levels these are.
    """
    model = student.model
    if not isinstance(model, StateReader):
        return model
    student.require_states(pairs.schema)
    if model.levels:
        return model
    if "teacher" not in pairs.spec:
        raise ValueError(
            f"student '{student.name}' reads states, but imported pairs don't say how much noise these "
            "hold; set its option levels to [α, σ] of x_T and of each state, from noise to data"
        )
    from pairgen.spec import PairSpec
    from pairgen.state_levels import state_levels

    spec = parse(PairSpec, dict(pairs.spec), f"{pairs.folder.url}/spec.json")
    return model.model_copy(update={"levels": state_levels(spec)})
