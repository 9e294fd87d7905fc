"""What an audit looks at, by name: the rows of its documents and what pages call them."""

from collections.abc import Mapping

STUDENT, STUDENT_HELDOUT = "student-fresh", "student-heldout"
PAIRS, KEPT_PAIRS = "pairs", "pairs-kept"
CONTROL = "heldout"

TITLES: Mapping[str, str] = {
    STUDENT: "student, fresh noise",
    STUDENT_HELDOUT: "student, held-out noise",
    PAIRS: "teacher’s pairs",
    KEPT_PAIRS: "teacher’s pairs, filtered",
    CONTROL: "held-out real samples",
}
