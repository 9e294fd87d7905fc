"""`python -m benchmarks [NAME …] [OPTION …]`: run the named benchmarks, or all; a Markdown table each.

`--count` is the number of pairs of `scale`, in place of a million, of pictures of `pictures-pass`, and of
queries of `picture-search`. `--clone` is where `generation` (EDM's), `steps` and `sampling` (KDM's) find the
published code that they compare with, `--full` adds the network of CIFAR-10's size to `generation`.
`--preset` is the one network that `efficiency` measures, else several. `--recipe digits-from-scratch` has
`ablation` measure students of pictures. The first line printed names the processor and its level of
arithmetic.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks import (
    ablation,
    billion,
    convolutions,
    demo,
    digits,
    efficiency,
    engines,
    exported,
    generation,
    groups,
    importer,
    operators,
    outside,
    picture_search,
    pictures_pass,
    reading,
    scale,
    start_up,
    student_flops,
    student_sampling,
    student_steps,
    threads,
    worker,
)
from benchmarks.level import level

BENCHMARKS: dict[str, Callable[[], Iterator[str]]] = {
    "start-up": start_up.table,
    "worker": worker.table,
    "engines": engines.table,
    "groups": groups.table,
    "demo": demo.table,
    "threads": threads.table,
    "reading": reading.table,
    "ablation": ablation.table,
    "digits": digits.table,
    "importer": importer.table,
    "generation": generation.table,
    "steps": student_steps.table,
    "sampling": student_sampling.table,
    "exported": exported.table,
    "convolutions": convolutions.table,
    "operators": operators.table,
    "outside": outside.table,
    "picture-search": picture_search.table,
    "pictures-pass": pictures_pass.table,
    "efficiency": efficiency.table,
    "flops": student_flops.table,
    "scale": scale.table,
    "billion": billion.table,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--count", type=int)
    parser.add_argument("--clone")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--preset")
    parser.add_argument("--recipe", choices=ablation.ABLATIONS, default="checkerboard")
    given = parser.parse_args(arguments)
    tables: dict[str, Callable[[], Iterator[str]]] = {
        **BENCHMARKS,
        "ablation": partial(ablation.table, given.recipe),
        "scale": partial(scale.table, given.count or scale.COUNT),
        "pictures-pass": partial(pictures_pass.table, given.count or pictures_pass.NUM_PICTURES),
        "picture-search": partial(picture_search.table, given.count or picture_search.NUM_QUERIES),
        "generation": partial(generation.table, given.clone, is_full=given.full),
        "steps": partial(student_steps.table, given.clone),
        "sampling": partial(student_sampling.table, given.clone),
        "efficiency": partial(efficiency.table, given.preset),
    }
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
        return 2
    print(f"{level()}\n", flush=True)
    for name in given.names or BENCHMARKS:
        print(f"## {name}\n", flush=True)
        for line in tables[name]():
            print(line, flush=True)
        print(flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
