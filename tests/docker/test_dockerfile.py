"""The image's recipe: pinned, not root, no secret in a layer, dependencies before source."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
TEXT = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
STAGES = {
    re.match(r"\S+ AS (\w+)", part)[1]: part.splitlines()  # type: ignore[index]
    for part in re.split(r"^FROM ", TEXT, flags=re.MULTILINE)[1:]
}
TARGETS = ("cpu", "cuda")


def lines(stage: str, word: str) -> list[str]:
    return [line for line in STAGES[stage] if line.startswith(word + " ")]


def test_both_targets_run_as_the_same_user_who_is_not_root() -> None:
    for target in TARGETS:
        assert STAGES[target].index("USER 10001:10001") > STAGES[target].index(
            lines(target, "RUN")[-1]
        )
    assert "--uid 10001" in "".join(STAGES["base"])


def test_every_install_of_a_foreign_package_is_held_to_the_pins() -> None:
    installs = [line for stage in STAGES.values() for line in stage if "pip install" in line]
    assert len(installs) == 4
    assert all("-c /build/constraints.txt" in line or "--no-deps" in line for line in installs)


def test_the_layer_of_dependencies_comes_before_the_source() -> None:
    for target in TARGETS:
        install, source = lines(target, "RUN")[-1], lines(target, "COPY")[-1]
        assert STAGES[target].index(install) < STAGES[target].index(source)
        assert source == "COPY --from=project /project /opt/kdm"
    assert lines("environment", "COPY") == [
        "COPY constraints.txt /build/",
        "COPY --from=requirements /build/requirements.txt /build/",
    ]


def test_no_instruction_takes_a_secret_but_as_a_mount() -> None:
    names = re.findall(r"^(?:ARG|ENV) .*", TEXT, re.MULTILINE)
    assert not [
        line for line in names if re.search(r"PASSWORD|SECRET|TOKEN|KEY|CERT|INDEX_URL", line)
    ]
    assert "ADD " not in TEXT
    assert not re.findall(r"^COPY .*(?:\.env|pip\.conf|\.pem|\.crt)", TEXT, re.MULTILINE)


def test_no_compiler_is_installed() -> None:
    assert "apt-get" not in TEXT
    assert "gcc" not in TEXT


def test_both_targets_have_a_health_check_and_labels() -> None:
    for target in TARGETS:
        assert lines(target, "HEALTHCHECK")[0].endswith('CMD ["kdm", "doctor"]')
        assert "image.version" in lines(target, "LABEL")[0]
        assert "image.revision" in lines(target, "LABEL")[0]


def test_the_requirements_are_those_of_the_project_and_its_extras() -> None:
    printed = subprocess.run(
        [sys.executable, DOCKER / "requirements.py", ROOT / "pyproject.toml", "s3"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert "torch>=2.10" in printed
    assert printed[-1].startswith("s3fs")


def test_the_context_of_a_build_is_what_the_dockerfile_copies() -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = set()
    for file in (DOCKER / "Dockerfile", DOCKER / "test" / "Dockerfile"):
        for line in re.findall(r"^COPY (?!--from)(.*)", file.read_text(), re.MULTILINE):
            copied |= set(line.split()[:-1])
    assert allowed == copied
    assert all((ROOT / each).exists() for each in allowed)


def test_scripts_can_be_run() -> None:
    for script in ("new-env", "test/run", "test/postgres.sh"):
        shell = "bash" if script == "test/run" else "sh"
        assert subprocess.run([shell, "-n", DOCKER / script], check=False).returncode == 0
    assert os.access(DOCKER / "test" / "run", os.X_OK)
