"""compose.yaml: what waits for what, what is checked, and no password that anybody else could know."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCKER = Path(__file__).parents[2] / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}


def variables(text: str) -> dict[str, str]:
    """Names with what stands behind them: `:-default` or `:?message`."""
    return dict(re.findall(r"\$\{(\w+)(:[-?][^}]*)?\}", text))


def test_a_service_waits_for_the_health_or_the_end_of_what_it_needs() -> None:
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if name in ONCE else "service_healthy"
            assert wait == {"condition": wanted}
    assert set(SERVICES["worker"]["depends_on"]) == {"deploy", "bucket"}
    assert "server" in SERVICES["deploy"]["depends_on"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_checked_or_ends_and_is_not_root(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] in {"10001:10001", "postgres"}
    assert service["cap_drop"] == ["ALL"]
    assert (name in ONCE) == (service["healthcheck"].get("disable") is True)
    assert service["restart"] in {"no", "unless-stopped"}


def test_no_password_has_a_default() -> None:
    found = variables((DOCKER / "compose.yaml").read_text())
    secret = {name for name in found if re.search("PASSWORD|USER", name)}
    assert secret == {"KDM_POSTGRES_PASSWORD", "KDM_S3_USER", "KDM_S3_PASSWORD"}
    assert all(found[name].startswith(":?run 'sh docker/new-env") for name in secret)


def test_ports_are_published_to_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 2
    assert all(port.startswith("${KDM_BIND:-127.0.0.1}:") for port in published)


def test_new_environments_have_all_that_is_asked_for_and_differ() -> None:
    first, second = (
        subprocess.run(
            ["sh", DOCKER / "new-env"], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    )
    passwords = [
        re.findall(r"^KDM_\w+_PASSWORD=([0-9a-f]{48})$", text, re.M) for text in (first, second)
    ]
    assert len({*passwords[0], *passwords[1]}) == 4
    asked = variables((DOCKER / "compose.yaml").read_text())
    assert {name for name in asked if asked[name][:2] == ":?"} == set(
        re.findall(r"^(KDM_\w+)=", first, re.M)
    )


def test_the_overrides_change_services_that_exist() -> None:
    for file in ("compose.test.yaml", "compose.gpu.yaml"):
        assert set(yaml.safe_load((DOCKER / file).read_text())["services"]) <= set(SERVICES)
