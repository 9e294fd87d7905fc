"""Students of a teacher that overfitted to canaries: the short form of the trial."""

from pathlib import Path

from canary_students import Sizes, canary_teacher, dropped, students

SIZES = Sizes(
    *(1024, 400, 2000),
    share=0.5,
    num_sampling_steps=6,
    width=128,
    num_layers=4,
    batch_size=128,
    learning_rate=4e-3,
)
FILTERS = "[{filter: {plugin: pixel-nn}, fpr: 0.01}]"


def test_a_student_reproduces_canaries_unless_the_filter_drops_them(tmp_path: Path) -> None:
    with canary_teacher(tmp_path / "site"):
        found = students(tmp_path / "home", 0, SIZES, FILTERS)
    planted, others = dropped(tmp_path / "home", 0)
    assert planted.value == 1.0
    assert others.value < 0.1
    assert found["unfiltered"].canaries.count >= 14
    assert found["filtered"].canaries.count <= 5
