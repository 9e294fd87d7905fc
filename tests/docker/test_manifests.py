"""The manifests are what Kubernetes 1.37 accepts, strictly: a misspelt field is an error."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from flows.generation.part import Part

DOCKER = Path(__file__).parents[2] / "docker"
KUBERNETES = DOCKER / "kubernetes"
SCHEMA = json.loads((Path(__file__).parent / "kubernetes-job-1.37.json").read_text())
JOBS = sorted(set(KUBERNETES.glob("*.yaml")) - set(KUBERNETES.glob("*-values.yaml")))
POOLS = sorted(KUBERNETES.glob("pool-*.json"))
# Prefect's Kubernetes worker refuses a template without these two in the pod, where Kubernetes ignores them.
MISPLACED = ("parallelism", "completions")


def faults(job: dict[str, Any]) -> list[str]:
    return [
        f"{list(each.path)}: {each.message}" for each in Draft7Validator(SCHEMA).iter_errors(job)
    ]


def filled(value: Any, values: dict[str, Any]) -> Any:
    """A template as Prefect fills it: a variable alone keeps its type, and goes if it has no value."""
    if isinstance(value, dict):
        pairs = {key: filled(each, values) for key, each in value.items()}
        return {key: each for key, each in pairs.items() if each is not None}
    if isinstance(value, list):
        return [filled(each, values) for each in value]
    if not isinstance(value, str):
        return value
    if alone := re.fullmatch(r"\{\{ (\w+) \}\}", value):
        return values[alone[1]]
    return re.sub(r"\{\{ (\w+) \}\}", lambda match: str(values[match[1]]), value)


def manifest(pool: Path) -> dict[str, Any]:
    """What a worker would send for a run with the defaults."""
    template = json.loads(pool.read_text())
    variables = template["variables"]["properties"]
    values = {name: variable["default"] for name, variable in variables.items()}
    values |= {"name": "run", "command": ["prefect", "flow-run", "execute"]}
    job: dict[str, Any] = filled(template["job_configuration"]["job_manifest"], values)
    for name in MISPLACED:
        assert job["spec"]["template"]["spec"].pop(name) == 1
    return job


def pods() -> list[dict[str, Any]]:
    jobs = [yaml.safe_load(each.read_text()) for each in JOBS] + [manifest(each) for each in POOLS]
    return [job["spec"]["template"]["spec"] for job in jobs]


@pytest.mark.parametrize("file", JOBS, ids=lambda file: file.name)
def test_a_job_fits_its_schema(file: Path) -> None:
    assert faults(yaml.safe_load(file.read_text())) == []


@pytest.mark.parametrize("file", POOLS, ids=lambda file: file.name)
def test_a_pool_makes_a_job_that_fits_its_schema(file: Path) -> None:
    assert faults(manifest(file)) == []


def test_the_check_sees_a_misspelt_field_and_a_wrong_type() -> None:
    job = yaml.safe_load((KUBERNETES / "generate-pairs.yaml").read_text())
    job["spec"]["completion"] = 8
    job["spec"]["parallelism"] = "eight"
    assert len(faults(job)) == 2


def test_every_variable_of_a_pool_is_declared_and_used() -> None:
    for pool in POOLS:
        template = json.loads(pool.read_text())
        used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(template["job_configuration"])))
        assert used == set(template["variables"]["properties"])


def test_each_pod_of_the_array_is_a_part_of_it() -> None:
    job = yaml.safe_load((KUBERNETES / "generate-pairs.yaml").read_text())["spec"]
    part = job["template"]["spec"]["containers"][0]["args"][-1]
    numbers = range(job["completions"])
    parts = [Part.parse(part.replace("$(JOB_COMPLETION_INDEX)", str(each))) for each in numbers]
    assert sorted((each.index, each.count) for each in parts) == [(each, 8) for each in numbers]
    assert job["completionMode"] == "Indexed"
    with pytest.raises(ValueError, match="--part"):
        Part.parse(part)


def test_no_pod_runs_as_root_or_asks_kubernetes_for_anything() -> None:
    dockerfile = (DOCKER / "Dockerfile").read_text()
    assert len(pods()) == 4
    for pod in pods():
        assert f"--uid {pod['securityContext']['runAsUser']} " in dockerfile
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_no_manifest_has_a_credential() -> None:
    for file in KUBERNETES.iterdir():
        assert not re.search(
            r"(?i)(?:secret_access_key|authstring|password)\s*[:=]\s*[\"']?\w", file.read_text()
        )


def test_the_chart_images_have_the_pinned_version_of_prefect() -> None:
    pinned = re.search(r"^prefect==(.*)$", (DOCKER.parent / "constraints.txt").read_text(), re.M)
    for file in KUBERNETES.glob("*-values.yaml"):
        assert pinned is not None
        assert f"prefectTag: {pinned[1]}-python3.11" in file.read_text()
