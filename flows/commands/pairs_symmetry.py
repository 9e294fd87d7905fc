"""`kdm pairs symmetry`: asks a set's teacher for mirrored noises, and keeps the answer beside the set."""

import typer

from flows.care.remake import Remaker
from flows.commands.stored_set import home_of, layouts_by_split, require_set
from flows.documents.symmetry_file import write_symmetry
from flows.home import found
from flows.table import say_document
from kdm.report.tables import number
from pairgen.asymmetry import MOST_ASYMMETRY, Symmetry
from storage.store import PairStore


def ask_teacher(name: str, home: str, *, num_pairs: int, as_json: bool) -> None:
    """Ask, keep and print it."""
    folder = found(home, "pairs", name)
    require_set(folder)
    split, layouts = next(iter(layouts_by_split(folder).items()))
    store = PairStore.open(folder, split=split, layout=layouts[0])
    remaker = Remaker.of(store, home_of(folder, home), store.record(0).environment)
    answer = remaker.symmetry(num_pairs)
    write_symmetry(folder, answer)
    if as_json:
        verdict = {"asymmetry": answer.asymmetry, "is_symmetric": answer.is_symmetric}
        say_document({"folder": folder.url, **answer._asdict(), **verdict, "limit": MOST_ASYMMETRY})
    else:
        typer.echo(_sentence(answer))


def _sentence(answer: Symmetry) -> str:
    found = (
        f"of {answer.num_pairs} mirrored noises the teacher's samples differ from the mirrored samples by "
        f"{number(answer.error)}, samples of one class from each other by {number(answer.unrelated)}: "
        f"{number(answer.asymmetry)} of it"
    )
    verdict = (
        "the teacher is symmetric enough for training.mirror"
        if answer.is_symmetric
        else "leave training.mirror off for these pairs"
    )
    return f"{found} (limit {MOST_ASYMMETRY}); {verdict}"
