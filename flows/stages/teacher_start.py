"""What a student starts from, for students with `init: teacher`: the denoiser of the set's teacher."""

from flows.teacher_with import teacher_with
from kdm.students.plugin import StudentPlugin
from kdm.students.teacher_start import TeacherNetwork, TeacherStarter
from storage.folders import Folder, folder_at
from storage.options import parse
from storage.store import PairStore


def with_teacher(name: str, model: StudentPlugin, pairs: PairStore) -> StudentPlugin:
    """The options of student `name`, with its network from the spec of these pairs if it isn't stated.

    A ValueError if the pairs weren't generated, or by a teacher whose network no student can take.
    """
    if not isinstance(model, TeacherStarter) or model.init is None or model.init.network:
        return model
    if "teacher" not in pairs.spec:
        raise ValueError(
            f"student '{name}' starts from its teacher's weights, but imported pairs have no stored "
            "teacher; set its option init to random"
        )
    from pairgen.spec import PairSpec

    spec = parse(PairSpec, dict(pairs.spec), f"{pairs.folder.url}/spec.json")
    try:
        precond, keywords = spec.teacher.plugin.network_for_students(spec.pairs.shape)
    except ValueError as error:
        raise ValueError(f"student '{name}': {error}") from error
    network = TeacherNetwork.of(precond, keywords, spec.teacher.weights)
    return model.model_copy(update={"init": model.init.model_copy(update={"network": network})})


def place_of_start(model: StudentPlugin, home: Folder, pairs: str) -> str | None:
    """URL of the folder with the weights that the student starts from; None if it needs or there are none.

    It is looked for in the home, then in that of the set of pairs, whose URL is given.
    """
    init = model.init if isinstance(model, TeacherStarter) else None
    if init is None or init.network is None:
        return None
    for place in (home, *_home_of(pairs)):
        folder = teacher_with(place, init.network.weights)
        if folder is not None:
            return folder.url
    return None


def _home_of(pairs: str) -> list[Folder]:
    """The home with a set of this URL, HOME/pairs/NAME; [] of a set that is elsewhere."""
    home, _, kind = pairs.rpartition("/")[0].rpartition("/")
    return [folder_at(home)] if home and kind == "pairs" else []
