"""What the Prefect layer promises, as far as no server is needed to see it."""

import io
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate
from rich.console import Console

from flows.commands.deploy import deploy, deployments
from flows.generation.unit import Unit
from flows.orchestration.artifacts import Artifacts, address, made
from flows.orchestration.configured_server import configured_server
from flows.orchestration.deployed import FOLDER_VARIABLE, enter_folder, stay_in_empty_folder
from flows.orchestration.flow_runs import FlowRuns
from flows.orchestration.leaving import leave_in_time
from flows.orchestration.prefect_settings import may_have_api, set_defaults
from flows.orchestration.run_log import watched_by
from flows.orchestration.server_of_command import OWNER, end_orphaned_servers, prepare_prefect
from flows.orchestration.tasks import as_task, ended
from flows.orchestration.through_prefect import through_prefect
from flows.orchestration.work_pool import Pool, Runs, job_variables
from flows.pipeline import (
    distill,
    eval_report,
    evaluate,
    filter_pairs,
    generate_pairs,
    pipeline,
    train_teacher,
)
from flows.progress import Progress
from flows.request import STAGES, Request
from flows.stage import StageResult
from flows.stages.refresh import refreshing
from flows.terminal import Terminal
from kdm.report.content import SplitCounts
from storage.folders import Folder, folder_at

FLOWS = (train_teacher, generate_pairs, filter_pairs, distill, evaluate, eval_report, pipeline)
CACHED = StageResult("generate-pairs", "tiny-1", "/nowhere", "1" * 64, "cached", {})
DONE = StageResult("distill", "kdm-2", "/nowhere", "2" * 64, "done", {})
PAIRS = StageResult(
    "generate-pairs",
    "tiny-1",
    "/nowhere",
    "1" * 64,
    "done",
    {"train": {"count": 10, "attempted": 16, "kept": 15}},
)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_parameters_are_scalars_or_lists_of_words_and_say_what_they_are(
    flow: Flow[Any, Any],
) -> None:
    for each in parameter_schema(flow).properties.values():
        assert each["description"]
        for kind in each.get("anyOf", [each.get("items", each)]):
            assert kind["type"] in ("string", "integer", "null")


def test_a_wrong_recipe_does_not_fit_the_schema_that_prefect_checks_before_a_run() -> None:
    schema = parameter_schema(pipeline).model_dump_for_openapi()
    validate({"recipe": "tiny"}, schema, raise_on_error=True)
    validate({"recipe": "/place/own.yaml"}, schema, raise_on_error=True)
    for wrong in ({"recipe": "tinny"}, {"recipe": "tiny", "device": "gpu"}):
        with pytest.raises(ValidationError):
            validate(wrong, schema, raise_on_error=True)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_users_error_is_the_message_of_a_failed_flow(flow: Flow[Any, Any]) -> None:
    state = flow.fn("tinny")
    assert state.is_failed()
    assert state.message.startswith("no recipe 'tinny'; did you mean 'tiny'?")


def test_a_state_is_named_cached_where_every_stage_was() -> None:
    assert ended([CACHED]).name == "Cached"
    assert ended([CACHED, DONE]).name == "Completed"
    assert ended([CACHED, DONE]).data[1]["digest"] == DONE.digest


def test_a_scheduled_report_is_left_to_the_one_that_is_at_it(home: Folder) -> None:
    with refreshing(home, say=print, waits=True):
        state = eval_report.fn(home=home.url)
    assert (state.type.value, state.name, state.data) == ("COMPLETED", "Skipped", [])
    assert f"process {os.getpid()} on " in state.message
    assert state.message.endswith("leaving it to that process")


def test_a_fresh_home_keeps_prefect_below_it(tmp_path: Path) -> None:
    os.environ["HOME"] = str(tmp_path)
    set_defaults(folder_at(str(tmp_path / "home")))
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "home" / ".prefect")
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert "PREFECT_API_URL" not in os.environ
    assert not (tmp_path / "home").exists()


def test_what_the_user_has_set_is_never_overridden(tmp_path: Path) -> None:
    os.environ["PREFECT_HOME"] = str(tmp_path)
    os.environ["PREFECT_API_REQUEST_TIMEOUT"] = "99"
    profile = 'active = "mine"\n[profiles.mine]\nPREFECT_CLIENT_MAX_RETRIES = "9"\n'
    (tmp_path / "profiles.toml").write_text(profile)
    set_defaults(folder_at(str(tmp_path / "home")))
    assert os.environ["PREFECT_HOME"] == str(tmp_path)
    assert os.environ["PREFECT_API_REQUEST_TIMEOUT"] == "99"
    assert "PREFECT_CLIENT_MAX_RETRIES" not in os.environ


def test_prefects_files_of_a_remote_home_lie_in_the_users_cache(tmp_path: Path) -> None:
    os.environ |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    set_defaults(folder_at("s3://bucket/home"))
    assert Path(os.environ["PREFECT_HOME"]).parent == tmp_path / "cache" / "kdm"


PROFILES = {
    "empty": 'active = "default"\n[profiles.default]\n',
    "off": 'active = "off"\n[profiles.off]\nPREFECT_SERVER_ALLOW_EPHEMERAL_MODE = "false"\n',
    "api": 'active = "api"\n[profiles.api]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n',
    "toml": 'active = "default\n',
    "value": 'active = "a"\n[profiles.a]\nPREFECT_CLIENT_MAX_RETRIES = "many"\n',
    "shape": 'active = "a"\nprofiles = ["a"]\n',
}


@pytest.mark.parametrize("profile", ["empty", "off", "api"])
def test_a_profile_without_an_api_is_served_by_the_embedded_server(
    tmp_path: Path, profile: str
) -> None:
    os.environ["PREFECT_HOME"] = str(tmp_path)
    (tmp_path / "profiles.toml").write_text(PROFILES[profile])
    set_defaults(folder_at(str(tmp_path / "home")))
    told = "PREFECT_SERVER_EPHEMERAL_ENABLED" in os.environ
    assert told == (profile == "empty")


@pytest.mark.parametrize("file", ["profiles.toml", ".env", "prefect.toml", "pyproject.toml", ""])
def test_a_server_may_be_named_in_a_profile_or_a_file_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    os.environ["PREFECT_HOME"] = str(tmp_path)
    home = folder_at(str(tmp_path / "home"))
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["prefect"]\n')
    assert not may_have_api(home)
    if file:
        (tmp_path / file).write_text('[tool.prefect.api]\nPREFECT_API_URL = "http://127.0.0.1:9"\n')
    else:
        os.environ["PREFECT_API_URL"] = "http://127.0.0.1:9"
    assert may_have_api(home)


# `kdm doctor` with each of these folders for Prefect's: a fork each, since Prefect reads its settings once.
DOCTORS = """
import os, sys
from flows.doctor import doctor
for folder in sys.argv[1:]:
    os.environ["PREFECT_HOME"] = folder
    if os.fork() == 0:
        try:
            doctor(folder + "/home")
        finally:
            os._exit(0)
    os.wait()
"""


def test_settings_that_prefect_refuses_are_told_with_their_file(tmp_path: Path) -> None:
    folders = [tmp_path / profile for profile in ("toml", "value", "shape")]
    for folder in folders:
        folder.mkdir()
        (folder / "profiles.toml").write_text(PROFILES[folder.name])
    command = [sys.executable, "-c", DOCTORS, *map(str, folders)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [each for each in said.splitlines() if "prefect api" in each]
    for folder, line in zip(folders, lines, strict=True):
        assert line.startswith("note")
        assert str(folder / "profiles.toml") in line
        assert "continuing without Prefect" in line


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_the_server_on_loopback_is_never_asked_through_a_proxy(tmp_path: Path, name: str) -> None:
    for each in ("no_proxy", "NO_PROXY"):
        os.environ.pop(each, None)
    os.environ |= {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    os.environ[name] = "inside.example"
    set_defaults(folder_at(str(tmp_path / "home")))
    assert urllib.request.proxy_bypass("127.0.0.1:8123")
    assert urllib.request.proxy_bypass("inside.example")
    assert not urllib.request.proxy_bypass("bucket.example")


@pytest.mark.parametrize(
    ("name", "proxy"),
    [("ALL_PROXY", "socks5://me:secret@127.0.0.1:9"), ("all_proxy", "socks://127.0.0.1:9/")],
)
def test_a_proxy_that_prefects_client_refuses_is_named_and_hinders_no_run(
    home: Folder, name: str, proxy: str
) -> None:
    os.environ |= {name: proxy, "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    said = io.StringIO()
    with pytest.raises(ValueError, match="no stage"):  # of the bare stages
        through_prefect(
            "pipeline",
            Request("tiny", home.url, until="no such stage"),
            Terminal(Console(file=said, width=400)),
        )
    assert f"cannot use the proxy that {name} names" in said.getvalue()
    assert "continuing without Prefect" in said.getvalue()
    assert "secret" not in said.getvalue()
    with pytest.raises(ValueError, match=f"the proxy that {name} names"), configured_server():
        pass


def test_children_of_prefect_look_for_no_module_where_the_command_was_started(
    tmp_path: Path,
) -> None:
    os.environ |= {"PREFECT_HOME": str(tmp_path), "PYTHONPATH": f":{tmp_path}"}
    prepare_prefect(folder_at(str(tmp_path / "home")))
    assert os.environ["PYTHONSAFEPATH"] == "1"
    assert os.environ["PYTHONPATH"] == str(tmp_path)


def test_a_folder_of_prefects_that_cannot_be_made_is_told_and_hinders_no_run(
    home: Folder, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    os.environ |= {
        "PREFECT_HOME": str(tmp_path / "file"),
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
    }
    said = io.StringIO()
    terminal = Terminal(Console(file=said, width=400))
    request = Request("tiny", home.url, until="no such stage")
    with pytest.raises(ValueError, match="no stage"):  # of the bare stages
        through_prefect("pipeline", request, terminal)
    assert "Prefect cannot use its settings" in said.getvalue()
    assert str(tmp_path / "file") in said.getvalue()


def test_deploying_without_a_server_says_how_to_start_one(tmp_path: Path) -> None:
    os.environ["PREFECT_HOME"] = str(tmp_path / "none")
    with pytest.raises(
        ValueError, match=r"no Prefect server is configured: start one .*PREFECT_API_URL"
    ):
        deploy(Runs(), limit=None)


def test_a_server_that_does_not_answer_is_told_with_its_address_and_without_its_password() -> None:
    os.environ["PREFECT_API_URL"] = "http://me:secret@127.0.0.1:9/api"
    nobody = {PREFECT_API_URL: os.environ["PREFECT_API_URL"], PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(nobody), pytest.raises(ValueError, match="doesn't answer") as told:
        deploy(Runs(), limit=None)
    assert "at http://127.0.0.1:9/api" in str(told.value)
    assert "secret" not in str(told.value)


def test_deployments_are_those_of_prefect_yaml_with_limits_on_what_is_started_by_hand() -> None:
    variables = job_variables(None, Runs())
    stated = yaml.safe_load(Path("prefect.yaml").read_text(encoding="utf-8"))
    assert deployments("local", variables, None) == stated
    limits = {
        each["tags"][-1]: each.get("concurrency_limit")
        for each in deployments("local", variables, 2)["deployments"]
    }
    assert limits.pop("make-shards") is None  # generate-pairs asks for as many as it's told
    assert limits.pop("eval-report") == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    waiting = {"limit": 2, "collision_strategy": "ENQUEUE"}
    assert limits == dict.fromkeys([*STAGES[:-1], "pipeline"], waiting)


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_pools_for_kubernetes_need_no_option_and_get_no_folder_of_this_machine(kind: str) -> None:
    file = Path("docker/kubernetes") / f"pool-{kind}.json"
    pool = Pool("local", "kubernetes", json.loads(file.read_text(encoding="utf-8")))
    assert FOLDER_VARIABLE not in job_variables(pool, Runs())["env"]


def test_a_workers_process_leaves_where_the_server_has_gone_and_no_other_process_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = SimpleQueue[int]()
    monkeypatch.setattr(os, "_exit", left.put)
    leave_in_time(0)  # of a command
    os.environ["PREFECT__FLOW_RUN_ID"] = os.environ["PREFECT__RUNTIME__FLOW_RUN__ID"] = str(uuid4())
    leave_in_time(0)
    assert left.get(timeout=20) == 1
    os.environ["PREFECT__FLOW_RUN_ID"] = str(uuid4())  # of a flow that calls this one
    leave_in_time(0)
    time.sleep(0.1)
    assert left.empty()


def test_a_group_of_shards_is_asked_for_until_the_server_answers_and_makes_one_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, run = list[str](), FlowRun(flow_id=uuid4())

    def away_twice(*_: object, idempotency_key: str, **__: object) -> FlowRun:
        asked.append(idempotency_key)
        if len(asked) < 3:
            raise httpx.ConnectError("away")
        return run

    monkeypatch.setattr("flows.orchestration.flow_runs.run_deployment", away_twice)
    monkeypatch.setattr("flows.orchestration.flow_runs.time.sleep", lambda _: None)
    work = SimpleNamespace(run=SimpleNamespace(home=folder_at("/nowhere")))
    engine = FlowRuns(work, Request("tiny"), None, 1)  # type: ignore[arg-type]
    assert engine.ask(Unit("train", (0,))) == run.id
    assert asked == asked[:1] * 3


def test_a_deployed_run_goes_to_its_folder_after_all_imports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert stay_in_empty_folder() == {"directory": str(tmp_path)}
    (tmp_path / "deployed").mkdir()
    os.environ[FOLDER_VARIABLE] = str(tmp_path / "deployed")
    enter_folder()
    assert Path.cwd() == tmp_path / "deployed"
    os.environ[FOLDER_VARIABLE] = str(tmp_path / "gone")
    with pytest.raises(ValueError, match="run 'kdm deploy' in one that both machines have"):
        enter_folder()


def server(owner: str) -> subprocess.Popen[bytes]:
    """A process that looks like an embedded server of this owner."""
    line = [sys.executable, "-c", "input()", "prefect.server.api.server:create_app"]
    return subprocess.Popen(line, stdin=subprocess.PIPE, env={**os.environ, OWNER: owner})


def test_only_the_embedded_servers_of_dead_commands_are_ended() -> None:
    import psutil

    here = f"{os.getpid()}:{psutil.Process().create_time():.0f}"
    orphan, living, foreign = server(f"{os.getpid()}:1"), server(here), server("")
    try:
        deadline = time.monotonic() + 10
        ended_pids: list[int] = []
        while orphan.poll() is None and time.monotonic() < deadline:
            ended_pids += end_orphaned_servers()
        assert orphan.pid in ended_pids
        assert living.poll() is None
        assert foreign.poll() is None
        assert not {living.pid, foreign.pid} & set(ended_pids)
    finally:
        for each in (orphan, living, foreign):
            each.kill()
            each.communicate()


def test_what_was_made_is_told_with_digests_and_counts() -> None:
    told = made([PAIRS, DONE], [SplitCounts("train", 16, 11, {"nan": 1}, masked=4)])
    assert f"| distill | kdm-2 | `{DONE.digest[:12]}` | done |" in told
    assert "| train | 16 | 11 | 4 | 1 |" in told


@pytest.mark.parametrize(
    ("folder", "link"),
    [("/a b/reports/x", "file:///a%20b/reports/x/r.html"), ("s3://b/x", "s3://b/x/r.html")],
)
def test_a_report_is_linked_where_it_lies(folder: str, link: str) -> None:
    assert address(folder, "r.html") == link


@pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow")
def test_a_lost_api_is_told_once_and_hinders_no_stage() -> None:
    said = io.StringIO()
    terminal = Terminal(Console(file=said, width=400))
    artifacts = Artifacts("tiny", terminal.warn)
    nobody = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(nobody), watched_by(terminal):
        artifacts.report(Progress("distill", "kdm", 1, 2, "steps", 1.0, 1.0))
        assert as_task(lambda: DONE) == DONE
    assert said.getvalue().count("continuing without it") == 1
    assert "distill         kdm-2" in said.getvalue()
