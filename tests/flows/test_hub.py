"""Students and teachers go to the Hub and come back as they were; nothing else goes, nothing wrong comes."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conftest import Finished
from faults.digests import assert_equal, digests_of
from hub_commands import kdm, only, refused
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results
from loopback_hub import TOKEN, Fault, File, Hub, Repository

from flows.hub.model_cargo import Lineage, model_cargo
from kdm.hub.bill import BILL, Bill, Listed, read_bill
from kdm.hub.hub_address import HubAddress
from kdm.hub.hub_cache import named_folder
from kdm.report.existing_card import CARD
from kdm.report.markdown import read_front_matter
from kdm.report.training_card import TrainingCard, training_card
from kdm.students.koopman_student import KoopmanStudent
from kdm.students.regression_student import RegressionStudent
from kdm.trained import read_config
from storage.digest import sha256_of
from storage.errors import DamageError
from storage.folders import folder_at

STUDENT, TEACHER, PAIRS = "kdm", "fm-tiny", "tiny"


def travelled(folder: Path) -> dict[str, str]:
    """Digests of what travels: not the card, which is written for the Hub, nor what stays here."""
    found = {name: digest for name, digest in digests_of(folder).items() if name != "card.md"}
    left = ("checkpoints/", "tensorboard/", "samples/", "best.")
    return {name: digest for name, digest in found.items() if not name.startswith(left)}


@pytest.mark.parametrize("kind", ["student", "teacher"])
def test_a_model_comes_back_as_it_was(
    kind: str, hub: Hub, finished: Finished, tmp_path: Path
) -> None:
    name = {"student": STUDENT, "teacher": TEACHER}[kind]
    pushed = kdm("push", kind, name, "ada/model", home=finished.path)
    (commit,) = re.findall(r"\b[0-9a-f]{40}\b", pushed)  # the Hub takes no shorter ones
    assert commit in kdm("pull", kind, f"ada/model@{commit}", home=tmp_path / "home")
    here, there = (only(home / f"{kind}s") for home in (tmp_path / "home", finished.path))
    assert here.name == there.name
    assert_equal(travelled(here), travelled(there))
    assert (here / "card.md").read_bytes() == hub.files("ada/model")["README.md"]
    assert hub.repository("ada/model").is_private


def test_what_stays_at_home_isnt_in_the_repository(hub: Hub, finished: Finished) -> None:
    kdm("push", "student", STUDENT, "lab/model", home=finished.path)
    assert hub.files("lab/model").keys() == {
        *("kdm.json", "README.md", ".gitattributes", "config.json", "model.safetensors"),
        *("losses.json", "metrics.json", "timings.json", "samples.png"),
    }
    assert str(finished.path).encode() not in b"".join(hub.files("lab/model").values())


@pytest.mark.parametrize("place", ["/data/ada", "file:///data/ada", "s3://lab/ada", "../ada"])
def test_a_pushed_card_names_no_place_of_the_home(
    place: str, finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "pairs", "teachers", "reports")
    folder = only(home / "students")
    measured = (folder / CARD).read_text()
    made = measured.replace("kdm run tiny", f"kdm run tiny --set dataset.source={place}")
    told = training_card(not_measured(f"kdm evaluate {place}/recipe.yaml"))
    sent = [pushed_card(folder, text) for text in (measured, made, told)]
    assert ["kdm run tiny\n" in text for text in sent] == [True, False, False]
    assert not [text for text in sent if place in text or "samples/" in text]
    assert "20 were trained. It is not measured yet.\n\n```python\n" in sent[2]


def pushed_card(folder: Path, card: str) -> str:
    (folder / CARD).write_text(card)
    address = HubAddress.of("student", "ada/model")
    return model_cargo(folder_at(str(folder)), address, Lineage()).card.decode()


def not_measured(command: str) -> TrainingCard:
    return TrainingCard(
        name="kdm",
        digest="a" * 64,
        plugin="kdm",
        pairs="tiny",
        num_steps=200,
        batch_size=128,
        losses={"total": 1.0},
        num_trainable_parameters=20,
        num_inference_parameters=10,
        command=command,
        address="students/kdm",
        licence="unknown",
        picture="samples/step-00000200.png",
    )


def test_a_student_is_loaded_by_its_name_on_the_hub(
    hub: Hub, finished: Finished, tmp_path: Path
) -> None:
    kdm("push", "student", STUDENT, "ada/model", home=finished.path)
    found = KoopmanStudent.from_pretrained("ada/model")
    here = KoopmanStudent.from_pretrained(only(finished.path / "students"))
    x_T = torch.randn(4, 2, generator=torch.Generator().manual_seed(1))
    assert torch.equal(found.generate(x_T), here.generate(x_T))
    asked = len(hub.requests)
    KoopmanStudent.from_pretrained("ada/model", revision=hub.repository("ada/model").head)
    assert not [each for each in hub.requests[asked:] if "safetensors" in each]
    with pytest.raises(ValueError, match="holds a Koopman"):
        RegressionStudent.from_pretrained("ada/model")


@pytest.mark.parametrize("is_measured", [True, False])
def test_a_strangers_program_is_on_the_card_of_a_student(
    is_measured: bool, hub: Hub, finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", *([] if is_measured else ["students/*/card.md"]))
    kdm("push", "student", STUDENT, "ada/model", home=home)
    _, block = hub.files("ada/model")["README.md"].decode().split("```python\n")
    known: dict[str, Any] = {}
    exec(block.partition("```")[0], known)
    assert known["x_0"].shape == (16, 2)


def test_the_card_of_a_teacher_has_what_determines_it_and_how_to_have_it(
    hub: Hub, finished: Finished, tmp_path: Path
) -> None:
    kdm("push", "teacher", TEACHER, "ada/model", home=finished.path)
    card = hub.files("ada/model")["README.md"].decode()
    settings = yaml.safe_load(card.partition("```yaml\n")[2].partition("```")[0])
    config = read_config(folder_at(str(only(finished.path / "teachers"))))
    assert config is not None
    assert settings["training"] == config["identity"]["training"]
    assert card.endswith("[hub]'\nkdm pull teacher ada/model\n```\n")


def test_a_student_that_was_measured_after_its_first_push_is_brought_by_its_name_again(
    hub: Hub, finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "students/*/metrics.json")
    kdm("push", "student", STUDENT, "ada/model", home=home)
    assert not named_folder("ada/model", "student").exists("metrics.json")
    kdm("push", "student", STUDENT, "ada/model", home=finished.path)
    assert named_folder("ada/model", "student").exists("metrics.json")


def test_the_hub_reads_the_card_of_a_student(hub: Hub, finished: Finished, tmp_path: Path) -> None:
    lineage = ("--dataset", "ada/pairs", "--base-model", "lab/teacher")
    kdm("push", "student", STUDENT, "ada/model", *lineage, home=finished.path)
    readme = tmp_path / "README.md"
    readme.write_bytes(hub.files("ada/model")["README.md"])
    data = ModelCard.load(readme).data.to_dict()
    assert (data["license"], data["library_name"]) == ("apache-2.0", "kdm-offline")
    assert (data["base_model"], data["datasets"]) == ("lab/teacher", ["ada/pairs"])
    _, results = model_index_to_eval_results(data["model-index"])
    front = read_front_matter((only(finished.path / "students") / "card.md").read_text())
    assert {each.metric_type: each.metric_value for each in results} == front["metrics"]
    assert {each.dataset_type for each in results} == {"ada/pairs"}


REFUSED = {
    "no-token": ("ada/model", [], "there is no token for the Hub; make one that may write"),
    "a-token-that-reads": ("ada/model", [], "the token may only read"),
    "a-token-unknown": ("ada/model", [], "it doesn't accept the token"),
    "a-name": ("ada", [], "'ada' is not the name of a repository on the Hub: write USER/NAME"),
    "a-name-with-dots": ("ada/a..b", [], "is not the name of a repository on the Hub"),
    "an-owner": ("bob/model", [], "bob/model would be bob's, and the token is for ada, lab"),
    "a-lineage": ("ada/model", ["--dataset", "x"], "'x' is not the name of a repository"),
    "something-else": ("ada/other", [], "holds something else, such as 'pytorch_model.bin'"),
    "another-thing": ("ada/third", [], "holds the teacher fm-other-aaaaaaaaaaaa, and this is"),
    "a-public-one": ("ada/open", [], "is public: everyone could read what is pushed; say --public"),
    "a-private-one": ("ada/shut", ["--public"], "is private, and a push doesn't change that"),
    "a-home-without-it": ("ada/model", [], "has no 'nothing'"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_push_that_cannot_be_is_refused_before_anything_is_sent(
    why: str, hub: Hub, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Bill("teacher", f"fm-other-{'a' * 12}", "a" * 64, {"config.json": Listed("b" * 64, 1)})
    for name, files in {
        "other": {"pytorch_model.bin": b"1"},
        "third": {BILL: other.data()},
    }.items():
        hub.repositories["models", f"ada/{name}"] = repository_of(files)
    hub.repositories["models", "ada/open"] = repository_of({}, is_private=False)
    hub.repositories["models", "ada/shut"] = repository_of({})
    hub.may_write = why != "a-token-that-reads"
    tokens = {"no-token": "", "a-token-unknown": "hf_another"}
    monkeypatch.setenv("HF_TOKEN", tokens.get(why, TOKEN))
    repo, options, sentence = REFUSED[why]
    name = "nothing" if why == "a-home-without-it" else STUDENT
    assert sentence in refused("push", "student", name, repo, *options, home=finished.path)
    assert not [each for each in hub.requests if not each.startswith("GET")]


def test_a_full_account_is_told_in_a_sentence(hub: Hub, finished: Finished) -> None:
    words = "Private repository storage limit reached"
    hub.faults["POST", "objects/batch"] = Fault(status=403, words=words)
    said = refused("push", "student", STUDENT, "ada/model", home=finished.path)
    assert (
        f"the Hub answers 403 ({words}): the token may not do this, or the account's space" in said
    )


def test_a_dry_run_sends_and_brings_nothing(hub: Hub, finished: Finished, tmp_path: Path) -> None:
    said = kdm("push", "student", STUDENT, "ada/model", "--dry-run", home=finished.path)
    assert "6 files" in said
    assert "nothing was sent" in said
    assert not hub.repositories
    kdm("push", "student", STUDENT, "ada/model", "--public", home=finished.path)
    document = json.loads(
        kdm("pull", "student", "ada/model", "--dry-run", "--json", home=tmp_path / "home")
    )
    assert (document["files"], document["is_dry_run"]) == (6, True)
    assert document["folder"] == f"{tmp_path}/home/students/{document['name']}"
    other = finished.copy(tmp_path / "other", "reports")
    (only(other / "students") / "losses.json").write_bytes(b"{}")
    for home, words, told in (
        ("home", ["mine-000000000000", "ada/model"], "its digest is"),
        ("home", ["No name", "ada/model"], "is not a name"),
        ("other", ["ada/model"], "is there and differs from the repository's"),
    ):
        pull = ("pull", "student", *words, "--dry-run")
        assert told in refused(*pull, home=tmp_path / home)
        assert told in refused(*pull[:-1], home=tmp_path / home)
    assert not (tmp_path / "home").exists()


def test_a_push_again_sends_nothing_and_leaves_a_card_that_was_edited_there(
    hub: Hub, finished: Finished
) -> None:
    kdm("push", "student", STUDENT, "ada/model", home=finished.path)
    head = hub.repository("ada/model").head
    assert "sent 0 files" in kdm("push", "student", STUDENT, "ada/model", home=finished.path)
    assert hub.repository("ada/model").head == head
    hub.replace("ada/model", "README.md", b"mine")
    hub.replace("ada/model", "losses.json", None)
    said = kdm("push", "student", STUDENT, "ada/model", home=finished.path)
    assert "sent 1 file of" in said
    assert said.endswith("README.md was edited there and stays\n")
    assert hub.files("ada/model")["README.md"] == b"mine"
    assert set(hub.arrived.values()) == {1, 2}  # losses.json, which somebody removed, came again


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "kdm.json"])
def test_a_file_that_was_changed_on_the_hub_is_refused_by_its_name(
    file: str, hub: Hub, finished: Finished, tmp_path: Path
) -> None:
    kdm("push", "student", STUDENT, "ada/model", home=finished.path)
    good, data = hub.repository("ada/model").head, hub.files("ada/model")[file]
    hub.replace("ada/model", file, data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    assert file in refused("pull", "student", "ada/model", home=tmp_path / "home")
    assert not [each for each in (tmp_path / "home").rglob("*") if each.name.startswith("kdm-")]
    kdm("pull", "student", "ada/model", "--revision", good, home=tmp_path / "home")


def test_weights_that_another_bill_lists_are_refused_by_the_models_own_digests(
    hub: Hub, finished: Finished, tmp_path: Path
) -> None:
    kdm("push", "student", STUDENT, "ada/model", home=finished.path)
    files = hub.files("ada/model")
    bill = read_bill(files[BILL], BILL)
    other = files["model.safetensors"][:-1] + b"x"
    listed = {**bill.files, "model.safetensors": Listed(sha256_of(other), len(other))}
    hub.replace("ada/model", "model.safetensors", other)
    hub.replace("ada/model", BILL, replace(bill, files=listed).data())
    said = refused("pull", "student", "ada/model", home=tmp_path / "home")
    assert "model.safetensors is not what config.json says it was" in said
    assert not list((tmp_path / "home" / "students").iterdir())


STRANGE = [
    "../../.bashrc",
    "/etc/passwd",
    ".git/config",
    "checkpoints/step-1.safetensors",
    "a/../b",
]


@pytest.mark.parametrize("path", STRANGE)
def test_a_bill_cannot_name_a_file_that_is_no_part_of_the_thing(path: str) -> None:
    bill = Bill("student", f"kdm-{'a' * 12}", "a" * 64, {path: Listed("b" * 64, 1)})
    with pytest.raises(DamageError, match="which is no file of a student"):
        read_bill(bill.data(), BILL)


def test_what_isnt_there_or_isnt_it_is_told_in_a_sentence(
    hub: Hub, finished: Finished, tmp_path: Path
) -> None:
    kdm("push", "student", STUDENT, "ada/model", home=finished.path)
    hub.repositories["models", "ada/plain"] = repository_of({"model.safetensors": b"1"})
    pull = ("pull", "student", "ada/model")
    assert "is private and HF_TOKEN may not read it" in refused(
        "pull", "student", "ada/none", home=tmp_path
    )
    assert "has no such revision" in refused(*pull, "--revision", "v9", home=tmp_path)
    assert "has no kdm.json" in refused("pull", "student", "ada/plain", home=tmp_path)
    assert "use 'kdm pull student ada/model'" in refused(
        "pull", "teacher", "ada/model", home=tmp_path
    )
    said = refused("pull", "student", f"kdm-{'0' * 12}", "ada/model", home=tmp_path)
    assert "its digest is" in said
    assert not list(tmp_path.glob("students/*"))


def test_a_model_of_that_name_which_differs_is_never_overwritten(
    hub: Hub, finished: Finished, tmp_path: Path
) -> None:
    kdm("push", "student", STUDENT, "ada/model", home=finished.path)
    kdm("pull", "student", "ada/model", home=tmp_path)
    weights = only(tmp_path / "students") / "losses.json"
    weights.write_bytes(b"mine")
    said = refused("pull", "student", "ada/model", home=tmp_path)
    assert "is there and differs from the repository's, first in losses.json" in said
    assert weights.read_bytes() == b"mine"
    kdm("pull", "student", "theirs", "ada/model", home=tmp_path)
    assert [each.name[:-13] for each in sorted((tmp_path / "students").iterdir())] == [
        "kdm",
        "theirs",
    ]


def repository_of(files: dict[str, bytes], *, is_private: bool = True) -> Repository:
    made = Repository(is_private)
    made.commit({name: File(data, is_large=False) for name, data in files.items()})
    return made
