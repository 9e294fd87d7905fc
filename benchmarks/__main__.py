"""`python -m benchmarks [NAME …] [--count N]`: run the named benchmarks, or all; a Markdown table each.

`--count` is the number of pairs of `scale`, in place of a million.
"""

import argparse
import os
import sys
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks import ablation, billion, demo, reading, scale, start_up, threads

BENCHMARKS = {
    "start-up": start_up.table,
    "demo": demo.table,
    "threads": threads.table,
    "reading": reading.table,
    "ablation": ablation.table,
    "scale": scale.table,
    "billion": billion.table,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--count", type=int, default=scale.COUNT)
    names, count = vars(parser.parse_args(arguments)).values()
    tables = {**BENCHMARKS, "scale": partial(scale.table, count)}
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
        return 2
    for name in names or BENCHMARKS:
        print(f"## {name}\n", flush=True)
        for line in tables[name]():
            print(line, flush=True)
        print(flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
