"""`python -m flows.generation.generating_child`: makes units that its parent names on standard input.

Progress, results and errors go to standard output (child_protocol.py).
"""

from flows.child_side import Lines, live
from flows.json_lines import say_line


def _make(lines: Lines) -> None:
    """Make units until none are left."""
    from flows.generation.child_protocol import announced
    from flows.generation.invalid_pairs import InvalidPairs
    from flows.generation.prepared_maker import prepared_maker
    from flows.generation.unit import Unit
    from flows.generation.work import Work

    def on_message(message: int | str) -> None:
        say_line({"say": message} if isinstance(message, str) else {"did": message})

    first = next(lines)
    work = Work.read(first["work"], say=on_message)
    # The parent counts those of all children; one process alone may show that something is wrong.
    invalid = InvalidPairs(work.num_indices)
    maker = prepared_maker(
        work, invalid.note, num_workers=1, num_shards=1, announcement=announced(first)
    )
    with maker as prepared:
        for line in lines:
            unit = Unit(line["split"], line["shards"])
            say_line({"made": prepared.make(unit, on_message).document()})


if __name__ == "__main__":
    live(_make)
