#!/usr/bin/env bash
# Opening a second local pipeline changes one that is open already, if their Python files have one name.
#
# Version:    diffusers 0.42.1, torch 2.13.0 (numpy 2.4.6).
# Surprising: two folders with a `pipeline.py` each, opened one after the other with trust_remote_code=True, are expected to
#             be two pipelines, as two folders with a `config.json` each are.
# Behaviour:  code of local folders is copied to one folder of the cache by its file name alone, and run in the module of
#             that name again. Functions of the first pipeline look their globals up there, so they find those of the
#             second: constants, helpers and classes. Components with code of their own do the same.
# Seen:       a pipeline that doubles returns 3 for 1 after one that triples was opened. Nothing warns.
# Instead:    a file name of its own for each version of the code, such as pipeline_2b47932c.py with a digest in it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check diffusers==0.42.1 torch==2.13.0 numpy==2.4.6

cd "$work"
HF_HOME="$work/cache" HF_HUB_OFFLINE=1 "$work/venv/bin/python" - <<'PY'
import json
import sys
from pathlib import Path

from diffusers import DiffusionPipeline

CODE = '''
from diffusers import DiffusionPipeline

FACTOR = {factor}


class Scaled(DiffusionPipeline):
    def __init__(self):
        super().__init__()

    def __call__(self, x):
        return FACTOR * x
'''


def opened(name, factor):
    folder = Path(name)
    folder.mkdir()
    (folder / "pipeline.py").write_text(CODE.format(factor=factor))
    index = {"_class_name": ["pipeline", "Scaled"], "_diffusers_version": "0.42.1"}
    (folder / "model_index.json").write_text(json.dumps(index))
    return DiffusionPipeline.from_pretrained(name, trust_remote_code=True)


double = opened("double", 2)
before = double(1)
triple = opened("triple", 3)
after = double(1)
print(f"double(1) is {before}; after triple was opened it is {after}; triple(1) is {triple(1)}")
sys.exit(0 if (before, after, triple(1)) == (2, 3, 3) else "changed: open pipelines keep their own code")
PY
