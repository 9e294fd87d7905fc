#!/bin/bash
# prefect-kubernetes 0.8.0 with prefect 3.8.8: whether a pool's job template is accepted depends on
# `parallelism` and `completions` in a surprising way. Both are fields of a Job's spec (batch/v1) and may be
# left out; a pod's spec has no such fields. The worker compares a template with a base manifest that has
# both, with the value 1, in the *pod's* spec, and refuses the template if the JSON patch between the two adds
# something. So a Job without them is refused, and the error asks for them at a place where Kubernetes knows
# no such fields. With the value 1 in the Job's spec it is accepted, because the patch then moves them instead
# of adding them; with the value 2 it is refused again. With both in the pod's spec, as in Prefect's default
# template, the worker is content, and Kubernetes' strict validation isn't.
#
# Output on Python 3.11:
#   Kubernetes 1.37 accepts  none       prefect-kubernetes: Job is missing required attributes at the following paths: /spec/template/spec/completions, /spec/template/spec/parallelism
#   Kubernetes 1.37 accepts  job: 1     prefect-kubernetes: accepts
#   Kubernetes 1.37 accepts  job: 2     prefect-kubernetes: Job is missing required attributes at the following paths: /spec/template/spec/completions, /spec/template/spec/parallelism
#   Kubernetes 1.37 refuses  pod: 1     prefect-kubernetes: accepts
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q --disable-pip-version-check prefect==3.8.8 prefect-kubernetes==0.8.0 \
    kubernetes-validate==1.37.0 'fastapi<0.151' 'sqlalchemy<2.1' 2> "$place/pip" || { cat "$place/pip" >&2; exit 1; }
export PREFECT_HOME="$place/prefect" DO_NOT_TRACK=1
cat > "$place/look.py" <<'PYTHON'
import sys

import kubernetes_validate
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration
from pydantic import ValidationError

def job(of_job, of_pod):
    pod = {**of_pod, "restartPolicy": "Never", "containers": [{"name": "prefect-job", "image": "x"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "a"},
        "spec": {**of_job, "template": {"spec": pod}},
    }


def of_prefect(manifest):
    try:
        KubernetesWorkerJobConfiguration(job_manifest=manifest)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return ""


def of_kubernetes(manifest):
    try:
        kubernetes_validate.validate(manifest, "1.37", strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error)
    return ""


def counts(number):
    return {"parallelism": number, "completions": number}


jobs = {
    "none": job({}, {}),
    "job: 1": job(counts(1), {}),
    "job: 2": job(counts(2), {}),
    "pod: 1": job({}, counts(1)),
}
found = {}
for name, manifest in jobs.items():
    strict, said = of_kubernetes(manifest), of_prefect(manifest)
    found[name] = (not strict, not said)
    print(f"Kubernetes 1.37 {'refuses' if strict else 'accepts'}  {name:9}  prefect-kubernetes: {said or 'accepts'}")
wanted = {"none": (True, False), "job: 1": (True, True), "job: 2": (True, False), "pod: 1": (False, True)}
sys.exit(0 if found == wanted else "this has changed")
PYTHON
"$place/venv/bin/python" "$place/look.py"
