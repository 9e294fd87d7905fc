"""A reader who types what a page shows, in the page's order, beside small teachers, pairs and students.

Names that stand for the reader's own (PAIRS, STUDENT, a large recipe) are replaced by those of a home in
which `tiny` and a short form of `digits` have run; counts become small. The rest is the page's.
"""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import published
import torch
import yaml
from faults.commands import KDM, finish, run, start, succeed
from local_prefect import BIN
from page_blocks import PAGES, SHELL, Block, blocks_of
from published_sets import KDM_LAYOUTS, made, on_grid, write_get, write_kdm
from published_students import module_of, student, write_module
from small_teachers import SHAPE, edm_pickle

from flows.config.recipe_files import read_recipe
from kdm.networks.build import build_edm
from kdm.torchvision_import import import_torchvision

# Pages whose blocks the suite itself runs; all others are read in tests/trials/test_pages.py.
RUN_IN_THE_SUITE = {
    "README.md": "tests/docs/test_readme.py",
    "tutorial.md": "tests/docs/test_first_pages.py",
    "sharing.md": "tests/docs/test_first_pages.py",
    "resuming.md": "tests/docs/test_first_pages.py",
    "plugins.md": "tests/docs/test_plugin_page.py",
}
SHORT = "digits.yaml"  # `digits` with the same parts, in seconds
_RECIPES = {
    "checkerboard": "tiny",
    **dict.fromkeys(("digits", "cifar10", "RECIPE"), SHORT),
}
_STAGES = "run|pipeline|train-teacher|generate-pairs|filter-pairs|distill|evaluate|eval-report"
_RECIPE = re.compile(rf"^kdm (?P<stage>{_STAGES}|teacher samplers) (?P<recipe>[\w.-]+)(?=\s|$)")
_SHORTER = {
    "teacher.training.num_steps": 20,
    "teacher.training.batch_size": 32,
    "teacher.training.num_threads": 1,
    "pairs.pairs.value_range": "[-1000, 1000]",  # such a teacher goes astray
    "pairs.train": 256,
    "pairs.heldout": 64,
    "pairs.layout": "wds-64",
    "pairs.on": "threads",
    "evaluation.num_fresh": 64,
    "evaluation.metrics": "[variance, paired]",
    **{f"students.{name}.training.num_steps": 6 for name in ("kdm", "kdm-f", "regression")},
    **{f"students.{name}.training.warmup_steps": 2 for name in ("kdm", "kdm-f", "regression")},
}
# What stands for the reader's own, on every page; after a page's own words.
_EVERYWHERE = {
    "PAIRS": "digits",
    "STUDENT": "regression",
    "TEACHER": "edm-digits",
    "s3://bucket/kdm": "{bucket}/{page}",
    "zarr-4096": "zarr-64",
    "=24000": "=20",
    "1000000": "300",
    "-n 50000": "-n 50",
}
WORDS: dict[str, dict[str, str]] = {
    "care.md": {
        "NAME": "digits",
        "pairs gc": "pairs gc --yes",
        "pairs purge digits": "pairs purge tiny",
    },
    "clusters.md": {
        "500000": "3000",
        "/scratch/kdm": "scratch",
        "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT": "1/8",
    },
    "commands.md": {
        "get-s": "regression",
        "PAIRS --set": "PAIRS --student kdm --set",
        "samplers RECIPE": "samplers RECIPE -n 4",
        "num_steps=400": "num_steps=20",
        "students/STUDENT": "students/kdm-f --yes",
        "losses-on-digits": "few-on-tiny --yes",
        "study losses --on digits": "study few.yaml --on tiny",
        "--to onnx": "--to torch-export",
        "build STUDENT": "build STUDENT --questions 1 --side 2",
        "gc PAIRS": "gc PAIRS --yes",
        "kdm prune ": "kdm prune --yes ",
        "FOLDER --name NAME": "published --name theirs",
        "teacher TEACHER USER/NAME": "teacher TEACHER USER/TEACHERS",
        "pull teacher USER/NAME": "pull teacher USER/TEACHERS",
        "USER/": "ada/",
        "ada/TEACHERS": "ada/teacher",
    },
    "devices.md": {"--ranks 8": "--ranks 2"},
    "exchange.md": {
        "NAME FOLDER": "digits FOLDER",
        "NAME DATA_ROOT": "digits DATA_ROOT",
        "FOLDER --from kdm-npz": "kdm",
        "FOLDER --from get": "get",
        "FOLDER --name reflow": "reflow --name reflow",
        "0:5000": "0:8",
    },
    "exported.md": {"STUDENT --to onnx --num-steps": "reflow --to onnx --num-steps"},
    "generation.md": {"edm-cifar10-32x32-cond-vp": "edm-digits"},
    "hub.md": {"STUDENT": "kdm-f", " --revision v1": "", "@v1": ""},
    "leaderboard.md": {"PAIRS": "tiny", "build STUDENT": "build STUDENT --questions 1 --side 2"},
    "python.md": {"num_steps=2000": "num_steps=20", "num_steps=300": "num_steps=20"},
    "recipes.md": {"checkerboard --set filters": "digits --set filters"},
    "sampling.md": {"samplers digits": "samplers digits -n 4", "cifar10": "digits"},
    "students.md": {
        "distill RECIPE": "distill steps.yaml",
        "pairs RECIPE": "pairs steps.yaml",
        "num_states=7": "num_states=3",
    },
    "studies.md": {
        "losses --on checkerboard": "few.yaml --on tiny",
        "mine.yaml --on digits": "few.yaml --on tiny",
    },
    "teachers.md": {
        "generate-pairs cifar10": "generate-pairs few-pairs.yaml",
        "/mnt/other-home/teachers/edm-cifar10-32x32-cond-vp-1c8e12189db8": "edm-cifar10-32x32-cond-vp",
        "edm_ddpmpp_cond.npz torchcfm_unet.npz": "mlp.npz",
        "edm-ffhq-64x64-uncond-vp": "preset.yaml --no-samples",
    },
    "training.md": {"samples_every=500": "samples_every=10"},
}
_STUDY = {
    "name": "few",
    "title": "Two steps and one",
    "seeds": [0],
    "on": {
        "tiny": {
            "points": [{"name": "20", "set": {"student.training.num_steps": 20}}],
            "measure": ["same_cell", "paired_mse"],
        }
    },
}


class Place(NamedTuple):
    """Where a page is read: a folder with a home in it, and a bucket's URL."""

    folder: Path
    bucket: str

    @property
    def home(self) -> Path:
        return self.folder / "kdm-home"


def pages_of_the_trial() -> list[Path]:
    """Every page with a block that is run, but those that the suite runs."""
    kinds = {*SHELL, "python", "python runnable"}
    return [
        page
        for page in PAGES
        if page.name not in RUN_IN_THE_SUITE
        and any(
            block.kind in kinds and (block.to_run or block.kind not in SHELL)
            for block in blocks_of(page)
        )
    ]


def short_recipe(place: Path) -> Path:
    """`digits` in seconds, as a file."""
    settings = [word for key, value in _SHORTER.items() for word in ("--set", f"{key}={value}")]
    shown = succeed([KDM, "show", "digits", *settings]).said
    (place / SHORT).write_text(shown)
    return place / SHORT


def prepare(place: Place) -> None:
    """The files that pages take for granted: the reader's recipes, checkpoints, sets of others."""
    folder = place.folder
    _write_recipes(folder)
    _write_checkpoints(folder)
    _write_sets(folder)
    shutil.copyfile(published.MLP, folder / "mlp.npz")


def _write_recipes(folder: Path) -> None:
    (folder / "mine.yaml").write_text(succeed([KDM, "show", "tiny"]).said)
    student = "[{name: kdm-t, model: {plugin: kdm-t}, training: {num_steps: 20}}]"
    shown = succeed([KDM, "show", "tiny", "--set", f"students={student}"])
    (folder / "steps.yaml").write_text(shown.said)
    student = "[{name: reflow, model: {plugin: reflow}, training: {num_steps: 20}}]"
    shown = succeed([KDM, "show", "tiny", "--set", f"students={student}"])
    (folder / "straight.yaml").write_text(shown.said)
    (folder / "few.yaml").write_text(yaml.safe_dump(_STUDY))
    few = read_recipe("cifar10")
    few["pairs"] |= {"train": 8, "heldout": 4, "layout": "wds-64"}
    few["pairs"]["pairs"] |= {"shape": [*SHAPE]}
    few.pop("students", None)
    (folder / "few-pairs.yaml").write_text(yaml.safe_dump(few))


def _write_checkpoints(folder: Path) -> None:
    for name in ("KDM.pt", "FILE.pt"):
        write_module(folder / name, module_of(student()))
    for name in ("edm-cifar10-32x32-cond-vp.pkl", "FILE.pkl", "network-snapshot-200000.pkl"):
        edm_pickle(folder / name)
    page = next(page for page in PAGES if page.name == "teachers.md")
    (preset,) = (block.text for block in blocks_of(page) if block.kind == "yaml")
    (folder / "preset.yaml").write_text(preset)
    described = yaml.safe_load(preset)
    network = build_edm(described["precond"], described["init_kwargs"])
    torch.save(network.state_dict(), folder / "converted.pt")


def _write_sets(folder: Path) -> None:
    pairs = made(24)
    pairs.x_0 = on_grid(pairs.x_0)
    for name in ("published", "kdm"):
        write_kdm(folder / name, pairs, KDM_LAYOUTS["cifar"])
    write_get(folder / "get", made(24, scale=1.0))
    (folder / "reflow").mkdir()
    for name, values in (("z0", pairs.x_T), ("z1", pairs.x_0)):
        np.save(folder / "reflow" / f"{name}.npy", values)
    draw = np.random.RandomState(0)
    noise, data = draw.standard_normal((50_000, 2)), draw.uniform(-4.4, 4.4, (50_000, 2))
    trajectory = np.stack([noise, (noise + data) / 2, data]).astype(np.float32)
    np.save(folder / "kdm_checkerboard_fm_10nfe.npy", trajectory)


def words_of(page: str) -> dict[str, str]:
    """The page's own words first, and then those that it has no other for."""
    own = WORDS.get(page, {})
    return own | {word: each for word, each in _EVERYWHERE.items() if word not in own}


def typed(line: str, place: Place, page: str) -> str:
    """What the reader types where the page shows a line."""
    for word, own in words_of(page).items():
        line = line.replace(word, own)
    found = _RECIPE.match(line)
    if found:
        recipe = _RECIPES.get(found["recipe"], found["recipe"])
        is_stage = "samplers" not in found["stage"] and "--direct" not in line
        direct = " --direct" if is_stage and found["recipe"] != "reference" else ""
        line = f"kdm {found['stage']} {recipe}{direct}{line[found.end() :]}"
    line = re.sub(r"FOLDER --to ([\w-]+)", r"out-\1 --to \1", line)
    if "DECISION" in line:
        recipe = "tiny" if "tiny" in line else "digits"
        line = line.replace("DECISION", decision_of(place.home, recipe))
    return line.replace("{bucket}", place.bucket).replace("{page}", Path(page).stem)


def decision_of(home: Path, pairs: str) -> str:
    """The first decision of a filter on a set."""
    return min(each.name for each in home.glob(f"pairs/{pairs}-*/train/*/masks/*/decisions/*"))


def read_page(page: Path, place: Place) -> list[str]:
    """Run every block of a page in its order; what each command printed.

    An AssertionError names the line that fails.
    """
    others = {name: value for name, value in os.environ.items() if name[:3] in ("AWS", "HF_")}
    variables = {"KDM_HOME": str(place.home), **others}
    names: dict[str, Any] = {}
    said = []
    for block in blocks_of(page):
        if block.kind in SHELL:
            said += [ran(typed(line, place, page.name), variables, place) for line in block.to_run]
        elif block.kind in ("python", "python runnable") and not block.excuses:
            execute(block, names, place)
    return said


def ran(line: str, variables: dict[str, str], place: Place) -> str:
    """What a line printed, which must succeed; an `export` is remembered for the lines that follow."""
    words = shlex.split(line, comments=True)
    if words[0] == "export":
        name, _, value = words[1].partition("=")
        variables[name] = value
        return ""
    command = [KDM if words[0] == "kdm" else str(BIN / words[0]), *words[1:]]
    if ">" in words:  # the shell's own
        command = ["env", f"PATH={BIN}:/usr/bin:/bin", "bash", "-c", line]
    ended = finish(start(command, variables, cwd=place.folder), seconds=1200)
    assert ended.code == 0, f"{line}\n{ended.said[-2000:]}"
    return ended.said


def execute(block: Block, names: dict[str, Any], place: Place) -> None:
    """A block of Python, after those before it."""
    text = block.text
    for word, own in {**words_of(block.page.name), **_found(text, place)}.items():
        text = text.replace(word, own)
    if "import diffusers" in text or "from diffusers" in text:
        import_torchvision()  # which diffusers imports by itself: a build that fits torch or not
    if "load_dataset" in text:  # that library reads the Hub's address as it is imported
        assert run([sys.executable, "-c", text], cwd=place.folder).code == 0, text
        return
    exec(compile(text, f"{block.page.name}:{block.line}", "exec"), names)


def _found(text: str, place: Place) -> dict[str, str]:
    """Names with digests that a page shows, and those that stand for them."""
    found = dict[str, str]()
    for shown in re.findall(r"students/(kdm-[0-9a-f]{12})", text):
        found[shown] = student_of_tiny(place.home)
    for shown in re.findall(r"/data/export/train-DIGEST-[^\"]+", text):
        found[shown] = str(min(place.folder.glob("out-per-sample/train-*.tar")))
    if "TRAIN/zarr-" in text:
        found["TRAIN/zarr-64"] = str(min(place.folder.glob("zarr/pairs/*/train/zarr-64")))
    return found


def student_of_tiny(home: Path) -> str:
    """NAME-DIGEST of the student `kdm` of the recipe `tiny`."""
    return min(
        folder.name
        for folder in home.glob("students/kdm-*")
        if '"data_scale": 2.566' in (folder / "config.json").read_text()
    )
