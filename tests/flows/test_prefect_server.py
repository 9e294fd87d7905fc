"""A real server, its worker and the `prefect` command: whatever becomes of them, the store decides."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from conftest import Finished
from faults.canaries import SECRET, credentials, hits
from faults.commands import KDM, Ended, finish, start
from faults.digests import assert_equal, digests_of, unmeasured
from faults.proxy import PASS, RESET, faulty
from faults.stops import Trainee, faults_of, flow_run
from local_prefect import BIN, QUIET_AND_QUICK, LocalPrefect, start_kdm, wait_for
from twins import TWINS

from flows.commands.deploy import deploy
from flows.commands.prune_runs import prune_runs
from flows.orchestration.automations import NAME, crash_silent_runs
from flows.orchestration.work_pool import Runs, found_pool, job_variables
from flows.orchestration.worse import call_when_worse
from flows.stages.sequence import STAGES
from storage.digest import seal

TWO_AT_ONCE = ("--until", "evaluate", "--at-once", "2", "--set", TWINS)
MEASURED = "students/*/metrics.json"  # without it `evaluate` is left to do, in seconds


@dataclass(frozen=True)
class Embedded:
    """A run through the embedded server, which found no database and took seconds to make one."""

    prefect: LocalPrefect  # with that database; no server runs
    home: Path
    ended: Ended


@pytest.fixture(scope="session")
def embedded(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    stated = credentials("http://127.0.0.1:9", tmp_path_factory.mktemp("stated"))
    prefect = LocalPrefect(tmp_path_factory.mktemp("prefect"), {**QUIET_AND_QUICK, **stated})
    home = finished.copy(tmp_path_factory.mktemp("embedded") / "home", MEASURED, "students")
    environment = prefect.environment()
    del environment["PREFECT_API_URL"]
    return Embedded(prefect, home, run_kdm(home, environment, *TWO_AT_ONCE))


@pytest.fixture(scope="session")
def deployed(
    embedded: Embedded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalPrefect]:
    """A server with the deployments of prefect.yaml."""
    prefect = embedded.prefect
    try:
        prefect.start()
        elsewhere = tmp_path_factory.mktemp("elsewhere")  # as from an installed package
        hide_modules_in(elsewhere)
        words = [str(BIN / "kdm"), "deploy"]
        subprocess.run(words, check=True, cwd=elsewhere, env=prefect.environment())
        yield prefect
    finally:
        prefect.kill()


def hide_modules_in(place: Path) -> None:
    """What nobody may import: a deployment or a run that does ends with it."""
    for name in ("random.py", "torch.py", "kdm/__init__.py", "flows/__init__.py"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text("raise SystemExit('mine')")


@pytest.fixture
def prefect(deployed: LocalPrefect) -> LocalPrefect:
    """The server, started again where a test has killed it."""
    if not deployed.is_healthy():
        deployed.start()
    return deployed


def run_kdm(home: Path, environment: dict[str, str], *more: str) -> Ended:
    ended = finish(start_kdm(home, environment, *more))
    assert ended.code == 0, ended.said
    return ended


def run_deployment(prefect: LocalPrefect, flow: str, home: Path, **more: Any) -> None:
    """What `prefect deployment run FLOW/default --watch` asks the server for."""
    run = prefect.run(flow, recipe="tiny", home=str(home), device="cpu", **more)
    ended = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    wait_for(lambda: prefect.state_of(run) in ended, seconds=600)
    assert prefect.state_of(run) == "COMPLETED"


def states(prefect: LocalPrefect, what: str, since: datetime) -> list[str]:
    later = {"expected_start_time": {"after_": since.isoformat()}}
    found = prefect.ask(what, flows={"name": {"any_": ["pipeline"]}}, flow_runs=later)
    return [each["state_name"] for each in found]


def test_an_embedded_server_without_its_database_makes_what_is_missing(
    embedded: Embedded, finished: Finished
) -> None:
    assert embedded.ended.said.count("cached") == len(STAGES) - 3
    assert embedded.ended.said.count(" done in ") == 4  # two are trained, and measured
    assert (embedded.prefect.home / "prefect.db").exists()
    # Cards of students name the command, which was another one.
    is_card = re.compile(r"students/kdm-.*/card\.md").fullmatch
    golden = {name: d for name, d in finished.digests.items() if not is_card(name)}
    assert golden.items() <= digests_of(embedded.home).items()


def test_students_that_are_trained_at_once_are_tasks_with_progress_of_their_own(
    prefect: LocalPrefect,
) -> None:
    twin = {"name": {"any_": ["distill twin"]}}
    (other,) = prefect.ask("task_runs", task_runs=twin)
    of_run = {"flow_run_id": {"any_": [other["flow_run_id"]]}}
    (one,) = prefect.ask("task_runs", task_runs={"name": {"any_": ["distill kdm"]}, **of_run})
    assert (one["state_type"], other["state_type"]) == ("COMPLETED", "COMPLETED")
    assert one["start_time"] < other["end_time"]
    assert other["start_time"] < one["end_time"]
    shown = [
        each["description"]
        for each in prefect.ask("artifacts", artifacts=of_run)
        if each["key"] == "tiny-distill-progress"
    ]
    assert sorted(each.partition(":")[0] for each in shown) == ["distill kdm", "distill twin"]


def test_every_flow_is_deployed_and_the_cron_schedule_makes_runs(prefect: LocalPrefect) -> None:
    names = {flow["name"] for flow in prefect.ask("flows")}
    assert names == {*STAGES, "make-shards", "pipeline"}
    assert {each["name"] for each in prefect.ask("deployments")} == {"default"}

    def a_run_of_eval_report_is_scheduled() -> bool:
        scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}}
        return bool(
            prefect.ask("flow_runs", flow_runs=scheduled, flows={"name": {"any_": ["eval-report"]}})
        )

    wait_for(a_run_of_eval_report_is_scheduled, seconds=30)


def test_every_deployment_has_a_recipe_or_needs_none_and_tags_and_explains_its_parameters(
    prefect: LocalPrefect,
) -> None:
    for each in prefect.ask("deployments"):
        assert each["tags"][0] == "kdm"
        assert Path(each["job_variables"]["env"]["KDM_DEPLOYED_IN"]).name.startswith("elsewhere")
        assert each["parameters"].get("recipe") == "checkerboard" or "eval-report" in each["tags"]
        shown = each["parameter_openapi_schema"]["properties"].values()
        assert all(parameter["description"] for parameter in shown)


def test_runs_of_a_pool_of_containers_need_an_image_and_a_home_that_lasts(
    prefect: LocalPrefect,
) -> None:
    variables = {"image": {"type": "string"}, "env": {"type": "object"}}
    job = {"image": "{{ image }}", "env": "{{ env }}"}
    template = {"job_configuration": job, "variables": {"properties": variables}}
    pool = {"name": "boxes", "type": "docker", "base_job_template": template}
    prefect.client.post("/work_pools/", json=pool).raise_for_status()
    with prefect.asked() as client:
        with pytest.raises(ValueError, match="no work pool 'my-boxes' \\(did you mean 'boxes'"):
            found_pool(client, "my-boxes")
        boxes, own = found_pool(client, "boxes"), found_pool(client, "local")
    wanted = Runs("boxes", "kdm-offline:cpu", "s3://bucket/kdm")
    started_with = job_variables(boxes, wanted)
    assert started_with["image"] == wanted.image
    assert started_with["env"].items() >= {"KDM_HOME": wanted.home}.items()
    assert "KDM_DEPLOYED_IN" not in started_with["env"]  # a folder that containers don't have
    for pool, wrong, why in (
        (boxes, replace(wanted, image=""), "which doesn't have kdm; give --image"),
        (boxes, replace(wanted, home=""), "is lost when they end; give --home"),
        (boxes, replace(wanted, home="mine"), "mine is a relative path"),
        (own, wanted, "without an image; leave --image out"),
    ):
        with pytest.raises(ValueError, match=why):
            job_variables(pool, wrong)


def test_deployments_make_the_bytes_that_the_bare_stages_make(
    prefect: LocalPrefect, finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "pairs", "students", "reports")
    with prefect.worker(KDM_HOME=str(home)):
        run_deployment(prefect, "pipeline", home, workers=1, until="distill")
    made = unmeasured(digests_of(home))
    # A student's card tells of its numbers too, which come with a later stage.
    assert {name.partition("/")[0] for name in made} >= {"pairs", "students"}
    assert made.items() <= finished.digests.items()
    shared = prefect.ask("flow_runs", flows={"name": {"any_": ["make-shards"]}})
    assert [each["state_type"] for each in shared] == ["COMPLETED"] * 2  # a unit of each split
    named = {f"pipeline tiny in {home}", f"make-shards tiny train in {home}"}
    assert named <= {each["name"] for each in prefect.ask("flow_runs")}
    keys = {artifact["key"] for artifact in prefect.ask("artifacts")}
    assert {f"tiny-{stage}-progress" for stage in ("generate-pairs", "distill")} <= keys


def test_a_training_that_is_cancelled_on_the_page_ends_after_a_checkpoint(
    prefect: LocalPrefect, finished: Finished, tmp_path: Path
) -> None:
    patience = 60  # seconds; `make faults` wants ten, and ends workers too
    home = finished.copy(tmp_path / "home", "students", "reports")
    with flow_run(prefect, home) as run:
        trainee = Trainee.of(home, run.process)
        prefect.set_state(run.number, "CANCELLING", "Cancelling")
        assert faults_of(trainee, patience) == []
        wait_for(lambda: prefect.state_of(run.number) == "CANCELLED", seconds=60)


def test_the_server_stores_no_run_with_a_password_in_its_parameters(prefect: LocalPrefect) -> None:
    stated = f"s3://KEY:{SECRET}@bucket/home"
    for more in ({"home": stated}, {"overrides": [f"teacher.name={stated}"]}, {"on": stated}):
        with pytest.raises(httpx.HTTPStatusError, match="409"):
            prefect.run("generate-pairs", recipe="tiny", **more)


def test_flow_and_tasks_end_in_a_state_named_cached_where_nothing_is_missing(
    prefect: LocalPrefect, finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    since = datetime.now(UTC)
    ended = run_kdm(home, prefect.environment())
    assert ended.said.count("cached") == len(STAGES)
    assert states(prefect, "flow_runs", since) == ["Cached"]
    wait_for(lambda: states(prefect, "task_runs", since) == ["Cached"] * len(STAGES), seconds=20)
    keys = {artifact["key"] for artifact in prefect.ask("artifacts")}
    assert {"tiny-made", "tiny-students", "tiny-samples", "tiny-report"} <= keys


def test_a_refresh_of_reports_leaves_links_and_tells_a_webhook_what_became_worse(
    prefect: LocalPrefect, finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "reports/*/metrics.json")
    remember_a_better_training(home)
    with called() as (url, calls):
        with prefect.asked() as client:
            for _ in range(2):  # again: there is still one
                call_when_worse(client, url)
        for _ in range(2):  # what is current tells nothing
            words = [KDM, "eval-report", "--home", str(home)]
            assert finish(start(words, prefect.environment())).code == 0
        wait_for(lambda: len(calls) == 1, seconds=60)
    assert calls[0]["text"].startswith("kdm of tiny became worse: same cell as teacher was 99.90%")
    assert calls[0]["change"]["report"].endswith("/report.html")
    left = [(each["key"], str(each["data"])) for each in prefect.ask("artifacts")]
    (link,) = {data for key, data in left if key == "tiny-report" and str(home) in data}
    assert link.endswith("/report.html)")
    assert "eval-report-made" in dict(left)


@pytest.mark.parametrize("address", ["hooks.example.org/T0", "ftp://example.org/x", "https:///T0"])
def test_a_webhook_that_is_no_web_address_is_refused_before_anything_is_deployed(
    address: str,
) -> None:
    with pytest.raises(ValueError, match="--webhook is no address of a web server"):
        deploy(Runs(), limit=None, webhook=address)


def test_a_dry_run_of_deploy_names_the_deployments_and_changes_none(
    prefect: LocalPrefect, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {each["id"]: each["updated"] for each in prefect.ask("deployments")}
    with prefect.asked():
        deploy(Runs(), limit=None, is_dry=True)
    said = capsys.readouterr().out
    assert said.startswith("would deploy to the work pool 'local': train-teacher/default, ")
    assert said.count("/default") == len(before)
    assert {each["id"]: each["updated"] for each in prefect.ask("deployments")} == before


def remember_a_better_training(home: Path) -> None:
    """As if the student had been trained before, and had been in the teacher's cell nearly always."""
    history = home / "reports/history"
    (event,) = (json.loads(file.read_text()) for file in history.glob("*.json"))
    event |= {"student_digest": 64 * "0", "created_at": "2026-01-01T00:00:00+00:00"}
    event["values"] = {"same_cell": 0.999}
    del event["digest"]
    (history / f"{64 * '0'}.json").write_bytes(seal(event))


@contextmanager
def called() -> Iterator[tuple[str, list[Any]]]:
    """A server's address, and what was posted to it."""
    calls: list[Any] = []

    class Noting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            calls.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", calls
    finally:
        server.shutdown()
        server.server_close()


def test_a_run_without_a_sign_of_life_is_crashed_and_no_run_that_lives_has_ended_or_is_anothers(
    prefect: LocalPrefect,
) -> None:
    with prefect.asked() as client:
        crash_silent_runs(client)
        crash_silent_runs(client, timedelta(seconds=12))  # again: there is still one
        (automation,) = client.read_automations_by_name(NAME)
    dead, living, cached = (prefect.made_run("RUNNING", "kdm") for _ in range(3))
    foreign = prefect.made_run("RUNNING")
    for run in (dead, living, cached):
        prefect.sign_of_life(run, "kdm")
    prefect.sign_of_life(foreign)
    prefect.set_state(cached, "COMPLETED", "Cached")

    def the_dead_is_crashed() -> bool:
        prefect.sign_of_life(living, "kdm")
        return prefect.state_of(dead) == "CRASHED"

    wait_for(the_dead_is_crashed, seconds=90)
    assert [prefect.state_of(run) for run in (living, foreign)] == ["RUNNING"] * 2
    assert prefect.state_of(cached) == "COMPLETED"
    # Where an ended run is called dead, the server refuses it; only its log would tell.
    assert {
        f"prefect.flow-run.{name}" for name in ("Cached", "Skipped")
    } <= automation.trigger.expect
    with prefect.asked() as client:
        client.delete_automation(automation.id)


def test_only_ended_runs_of_this_project_are_pruned_and_with_them_what_the_server_has_of_them(
    prefect: LocalPrefect,
) -> None:
    ended, living = prefect.made_run("COMPLETED", "kdm"), prefect.made_run("RUNNING", "kdm")
    foreign = prefect.made_run("COMPLETED")  # its flow is called `pipeline` too
    note = {"key": "tiny-made", "type": "markdown", "data": "", "flow_run_id": ended}
    prefect.client.post("/artifacts/", json=note).raise_for_status()
    line = {"name": "x", "level": 20, "message": "x", "flow_run_id": ended}
    line["timestamp"] = datetime.now(UTC).isoformat()
    prefect.client.post("/logs/", json=[line]).raise_for_status()
    with prefect.asked():
        prune_runs(timedelta(hours=-1), is_confirmed=True, is_dry=True)
        assert ended in {run["id"] for run in prefect.ask("flow_runs")}
        prune_runs(timedelta(hours=-1), is_confirmed=True, is_dry=False)
    left = {run["id"]: run["tags"] for run in prefect.ask("flow_runs") if run["end_time"]}
    assert left == {foreign: []}
    assert prefect.state_of(living) == "RUNNING"
    assert ended not in {each["flow_run_id"] for each in prefect.ask("artifacts")}
    of_run = {"flow_run_id": {"any_": [ended]}}
    wait_for(lambda: not prefect.ask("logs", logs=of_run), seconds=20)


def test_a_server_that_gives_no_place_under_a_limit_costs_no_data(
    prefect: LocalPrefect, finished: Finished, tmp_path: Path
) -> None:
    """A server that restarts may answer everything but this; Prefect's error for it is of no common kind."""
    home = finished.copy(tmp_path / "home", MEASURED)
    asked = "concurrency_limits/increment"
    with faulty(prefect.api, lambda _, path: RESET if asked in path else PASS) as url:
        environment = prefect.environment(
            PREFECT_API_URL=f"{url}/api", PREFECT_CLIENT_MAX_RETRIES="0"
        )
        ended = finish(start_kdm(home, environment, "--until", "evaluate"))
    assert ended.code == 0, ended.said
    assert "Unable to acquire concurrency slots" in ended.said
    assert "Traceback" not in ended.said
    assert_equal(digests_of(home), finished.digests)


def test_a_server_killed_in_mid_run_costs_no_data(
    prefect: LocalPrefect, finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", MEASURED)
    # Without retries, whose waiting is Prefect's matter and only costs time here.
    environment = prefect.environment(PREFECT_CLIENT_MAX_RETRIES="0")
    running = start_kdm(home, environment, "--until", "evaluate")
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith("filter-pairs"):
            break
    prefect.kill()
    ended = finish(running)
    assert ended.code == 0, ended.said
    assert "Prefect's API is lost" in ended.said
    assert "Traceback" not in ended.said
    assert_equal(digests_of(home), finished.digests)


def test_no_server_is_started_where_nothing_is_missing_and_nobody_has_named_one(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    environment = LocalPrefect(tmp_path / "prefect").environment()
    del environment["PREFECT_API_URL"]
    ended = run_kdm(home, environment)
    assert ended.said.count("cached") == len(STAGES)
    assert not (tmp_path / "prefect").exists()
    assert_equal(digests_of(home), finished.digests)


def test_no_credential_of_the_environment_is_in_what_the_server_and_its_runs_have_written(
    prefect: LocalPrefect, embedded: Embedded
) -> None:
    assert hits(prefect.home, embedded.home, embedded.ended.said) == []
