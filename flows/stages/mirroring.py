"""Whether a student may learn from mirrored pairs of a set."""

from flows.documents.symmetry_file import read_symmetry
from flows.stage import Run, StageResult
from kdm.training.options import TrainingOptions
from pairgen.asymmetry import MOST_ASYMMETRY


def require_symmetric(run: Run, pairs: StageResult, training: TrainingOptions) -> None:
    """Raise a ValueError if mirrored pairs are asked for, and the set's teacher is known not to make them.

    If nobody has asked the teacher, a notice says how.
    """
    if not training.mirror:
        return
    answer = read_symmetry(pairs.place)
    if answer is None:
        notice = (
            f"training.mirror is on, and nobody has asked whether the teacher of {pairs.place.name} makes "
            f"mirrored pairs; 'kdm pairs symmetry {pairs.place.name}' asks it"
        )
        run.say(notice)
    elif not answer.is_symmetric:
        raise ValueError(
            f"training.mirror is on, but mirrored noise gives other samples: they differ by "
            f"{answer.asymmetry:.2f} of what separates unrelated samples of a class (limit "
            f"{MOST_ASYMMETRY}); set training.mirror to false"
        )
