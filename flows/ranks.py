"""The processes that train together: how many on each machine, and where the machines meet."""

import re
from dataclasses import dataclass

_PLACE = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5}")


@dataclass(frozen=True)
class Ranks:
    """`num_here` processes on each of `num_nodes` machines, which meet at `rendezvous`, HOST:PORT."""

    num_here: int = 1
    num_nodes: int = 1
    rendezvous: str = ""

    @property
    def num(self) -> int:
        """All of them."""
        return self.num_here * self.num_nodes


ALONE = Ranks()


def ranks_of(num_here: int | None, num_nodes: int | None, rendezvous: str) -> Ranks:
    """The ranks that a user asks for; a ValueError unless machines and a meeting place come together."""
    if (num_nodes or 1) == 1 and not rendezvous:
        return Ranks(num_here or 1)
    if not num_nodes or num_nodes == 1:
        raise ValueError("--rendezvous is for several machines: add their number, as in --nodes 2")
    if not _PLACE.fullmatch(rendezvous):
        raise ValueError(
            f"--rendezvous is {rendezvous[:80]!r}; with --nodes {num_nodes} name one of the machines and "
            "a free port, the same on all of them, as in --rendezvous node1:29400"
        )
    return Ranks(num_here or 1, num_nodes, rendezvous)


def require_alone(ranks: Ranks, at_once: int | None) -> None:
    """A ValueError if several students at once were to be trained by several ranks each."""
    if ranks.num > 1 and (at_once or 1) > 1:
        raise ValueError(
            f"--at-once {at_once} is for students with one process each, and --ranks and --nodes ask for "
            f"{ranks.num}; leave out --at-once, or these"
        )
