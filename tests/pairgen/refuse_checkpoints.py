"""Reads every file of a folder, in a process of its own; prints what came of each and the memory."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from pairgen.checkpoints import read_checkpoint


def outcome(file: Path) -> dict[str, Any]:
    start = time.process_time()
    try:
        read_checkpoint(file)
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = ""
    return {"seconds": time.process_time() - start, "refusal": refusal}


def main() -> None:
    outcomes = {file.name: outcome(file) for file in sorted(Path(sys.argv[1]).iterdir())}
    # Not ru_maxrss: a child's begins at what its parent had.
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    imported = sorted({"torch", "subprocess", "antigravity", "runpy"} & set(sys.modules))
    print(json.dumps({"outcomes": outcomes, "peak_bytes": peak, "imported": imported}))


if __name__ == "__main__":
    main()
