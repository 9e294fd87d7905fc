"""`python -m benchmarks [NAME …]`: run the named benchmarks, or all; a Markdown table each."""

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks import ablation, demo, reading, start_up, threads

BENCHMARKS = {
    "start-up": start_up.table,
    "demo": demo.table,
    "threads": threads.table,
    "reading": reading.table,
    "ablation": ablation.table,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
        return 2
    for name in names or BENCHMARKS:
        print(f"## {name}\n", flush=True)
        for line in BENCHMARKS[name]():
            print(line, flush=True)
        print(flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
