#!/usr/bin/env bash
# datasets reads a WebDataset's numbers as integers if its first five samples have integers: a later 0.9 becomes 0.
#
# Version:    datasets 5.2.0 (webdataset 1.0.2, numpy 2.4.6, pyarrow 26.0.1).
# Surprising: Arrow refuses to make 0.9 an integer unless it is told to, and the same library's other ways are safe: json
#             reads the numbers as floats, Dataset.map raises.
# Behaviour:  load_dataset("webdataset") takes each field's type from the first five samples of the first tar, and encodes
#             the others to that type with Python's int(). There is neither an error nor a warning, whether it streams
#             or not. A field that none of the five has is left out.
# Seen:       scores 0, 1, 1, 0, 1, 0.25, 0.5, 0.9, in a .json and in an .npy of each sample: the last three are read as 0,
#             all of them. The field `note` of the last samples is missing. json gives all eight numbers.
# Instead:    load_dataset(…, features=Features(…)) with the types; or write floats as floats: 0.0, not 0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check datasets==5.2.0 webdataset==1.0.2 numpy==2.4.6 pyarrow==26.0.1
export HF_HOME="$work/home" HF_HUB_OFFLINE=1

"$work/venv/bin/python" - "$work" <<'PY'
import json
import pathlib
import sys

import datasets
import numpy as np
import webdataset

work = pathlib.Path(sys.argv[1])
scores = [0, 1, 1, 0, 1, 0.25, 0.5, 0.9]
datasets.disable_progress_bars()
with webdataset.TarWriter(str(work / "train.tar")) as tar:
    for number, score in enumerate(scores):
        late = {"note.txt": "late"} if number > 5 else {}
        tar.write({"__key__": f"{number:03}", "json": {"score": score}, "npy": np.array(score), **late})
(work / "train.jsonl").write_text("".join(json.dumps({"score": score}) + "\n" for score in scores))


def rows(kind, name, **options):
    return list(datasets.load_dataset(kind, data_files=str(work / name), split="train", **options))


changed = [row["score"] for row in rows("json", "train.jsonl")] != scores
for streaming in (False, True):
    read = rows("webdataset", "train.tar", streaming=streaming)
    from_json, from_npy = [row["json"]["score"] for row in read], [row["npy"] for row in read]
    print(f"streaming={streaming}: json {from_json}, npy {from_npy}, fields {sorted(read[-1])}")
    changed |= not from_json == from_npy == [int(score) for score in scores] or "note.txt" in read[-1]

typed = datasets.Features(
    {"__key__": datasets.Value("string"), "__url__": datasets.Value("string"),
     "json": {"score": datasets.Value("float64")}, "npy": datasets.Value("float64"), "note.txt": datasets.Value("string")}
)
read = rows("webdataset", "train.tar", features=typed)
print("with features:", [row["npy"] for row in read], read[-1]["note.txt"])
changed |= [row["json"]["score"] for row in read] != scores
sys.exit("changed: later floats are kept" if changed else 0)
PY
