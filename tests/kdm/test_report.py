"""The report page: it needs no network, trusts no field, and says what was measured."""

import base64
import hashlib
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import numpy as np
import yaml
from labelled_samples import picture_samples

from flows.documents.numbers import references
from kdm.analyze.loss_curves import LossHistory
from kdm.datasets.checkerboard import CheckerboardData
from kdm.evaluate.evaluate import meanings_of, measure_samples
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.metrics.samples import EvaluationSamples
from kdm.report.card import StudentCard, student_card
from kdm.report.content import (
    Ancestor,
    EvaluationEvent,
    FilterCounts,
    Numbers,
    Rate,
    ReportContent,
    SplitCounts,
    StudentEntry,
)
from kdm.report.figures import FilterScores, StudentResults, galleries
from kdm.report.overview import _by_training, render_overview
from kdm.report.page import render_report

OPTIONS = EvaluationOptions()
MEANINGS = meanings_of(OPTIONS.metrics)
PICTURE_METRICS = ["class-agreement", "classifier-frechet", "paired-baselines", "variance"]
PICTURE_OPTIONS = EvaluationOptions.model_validate({"metrics": PICTURE_METRICS})
DIGEST = "0123456789abcdef" * 4
HOSTILE = '<script src="https://evil.example/x.js"></script>'


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@cache
def samples() -> EvaluationSamples:
    x_0, stream = CheckerboardData(num_train=400).train(), np.random.RandomState(0)
    x_T = stream.standard_normal((100, 2)).astype(np.float32)
    near = (x_0 + 0.1 * stream.standard_normal((400, 2))).astype(np.float32)
    return EvaluationSamples(
        x_T, x_0[:100], near[:100], x_T, near[100:200], x_0[200:300], x_0[300:]
    )


@cache
def content() -> ReportContent:
    document = measure_samples(samples(), OPTIONS)
    history = LossHistory.of([{"step": step, "losses": {"pred": 1 / step}} for step in (1, 2, 3)])
    scores = np.geomspace(0.001, 0.1, 100)
    entry = StudentEntry("kdm", DIGEST, document["values"], 1234, 1000, {"training": {"steps": 3}})
    return ReportContent(
        title="tiny",
        made_at="2025-01-02 03:04 UTC",
        command="kdm run tiny",
        num_heldout=100,
        num_fresh=100,
        references=(Numbers("teacher", document["floor"], note="against itself"),),
        students=(entry, replace(entry, name=HOSTILE)),
        galleries=galleries(
            [StudentResults("kdm", samples(), np.array([0.5 + 0.1j, 1.1]), history)],
            teacher_losses=history,
            filters=[FilterScores("near-copy", scores, scores, 0.002)],
        ),
        rates=(Rate("teacher", 20, 100.0, 100.0, "box"), Rate("kdm", 1, 5000.0, 4000.0, "box")),
        splits=(SplitCounts("train", 256, 253, {"nan": 3}),),
        filters=(FilterCounts("near-copy", "train", 253, 250, {"near_copy": 3}, 0.002, 0.01),),
        lineage=(Ancestor("teacher", "flow-matching", DIGEST),),
        environment={"torch": "2.13"},
    )


@cache
def page() -> Page:
    return Page(render_report(content(), MEANINGS))


def test_the_page_asks_the_network_for_nothing():
    addresses = [
        value or ""
        for _, attributes in page().tags
        for name, value in attributes.items()
        if name in ("src", "href", "data", "action")
    ]
    assert addresses
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "url(" not in page().text
    assert "@import" not in page().text


def test_no_field_becomes_a_tag():
    assert [attributes for tag, attributes in page().tags if tag == "script"] == [{}]  # its own
    assert HOSTILE in page().text


def test_every_picture_is_inside_the_page_and_has_an_alternative_text():
    pictures = [attributes for tag, attributes in page().tags if tag == "img"]
    assert len(pictures) == sum(len(gallery.pictures) for gallery in content().galleries) == 10
    assert all(len(picture["alt"] or "") > 20 for picture in pictures)


def test_the_policy_lets_the_pages_own_script_run_and_no_other():
    text = render_report(content(), MEANINGS)
    (script,) = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        text.count(f"script-src &#39;sha256-{digest}&#39;") + text.count(f"'sha256-{digest}'") == 1
    )


def test_trainings_of_one_name_are_not_joined_in_the_trend():
    events = [
        EvaluationEvent(f"2025-01-0{day}", "kdm", digest * 64, "pairs", {"error": day / 10})
        for day, digest in ((1, "a"), (2, "b"), (3, "a"))
    ]
    assert [(trend.student, list(trend.places)) for trend in _by_training(events, "error")] == [
        ("kdm-aaaaaa", [1, 3]),
        ("kdm-bbbbbb", [2]),
    ]


def test_equal_content_gives_an_equal_page():
    first = render_report(content(), MEANINGS)
    content.cache_clear()
    assert render_report(content(), MEANINGS) == first


def test_the_page_says_what_was_measured_kept_and_dropped():
    words = " ".join(page().text.split())
    value = f"{100 * content().students[0].values['same_cell']:.2f}%"
    for expected in (value, "nan 3", "near_copy 3", "1.00%", DIGEST, "kdm run tiny", "20 → 1"):
        assert expected in words
    assert "training.steps 3" in words


def test_every_link_leads_to_a_section():
    places = {attributes.get("id") for _, attributes in page().tags}
    links = [attributes["href"] or "" for tag, attributes in page().tags if tag == "a"]
    assert links
    assert all(link[1:] in places for link in links)


def test_a_page_without_the_optional_parts_has_none_of_their_heads():
    bare = replace(content(), rates=(), splits=(), filters=(), lineage=(), galleries=())
    text = Page(render_report(bare, MEANINGS)).text
    assert not re.search("Speed|Pairs|Lineage", text)


def test_the_overview_has_a_row_an_evaluation_the_newest_first():
    events = [
        EvaluationEvent(f"2025-01-0{day}", name, DIGEST, "pairs", {"same_cell": day / 10}, "r.html")
        for day, name in ((1, "first-of-all"), (3, HOSTILE), (2, "middle"))
    ]
    overview = Page(render_overview(events, MEANINGS, made_at="2025-01-04"))
    assert (
        overview.text.index(HOSTILE)
        < overview.text.index("middle")
        < overview.text.index("first-of-all")
    )
    assert [tag for tag, _ in overview.tags].count("img") == 1
    assert [attributes for tag, attributes in overview.tags if tag == "script"] == [{}]


def test_a_link_of_the_overview_stays_beside_the_page():
    event = EvaluationEvent("2025-01-01", "kdm", DIGEST, "pairs", {}, "javascript:alert(1)")
    overview = Page(render_overview([event], MEANINGS, made_at="2025-01-04"))
    links = [attributes["href"] for tag, attributes in overview.tags if tag == "a"]
    assert links == ["./javascript%3Aalert%281%29"]


def test_an_overview_of_nothing_says_so():
    assert "No student has been evaluated yet" in render_overview([], MEANINGS, made_at="now")


def test_a_student_card_opens_with_yaml_that_holds_its_numbers():
    entry = content().students[0]
    card = StudentCard(entry, "kdm", "[a](b)", "p: q", content().references, 100, 100, "file:///x")
    _, front, text = student_card(card, MEANINGS).split("---\n", 2)
    assert yaml.safe_load(front)["metrics"] == dict(entry.values)
    assert yaml.safe_load(front)["pairs"] == "p: q"
    assert "load_student('file:///x')" in text
    assert "[a](b)" not in text


def test_a_page_of_images_shows_students_below_their_teacher_and_who_judged():
    document = measure_samples(picture_samples(0.3), PICTURE_OPTIONS)
    entry = replace(
        content().students[0], values=document["values"], intervals=document["intervals"]
    )
    shown = replace(
        content(),
        references=references({**document, "num_real": 256}),
        students=(entry,),
        galleries=galleries([StudentResults("kdm", picture_samples(0.3))]),
        judge="It tells <most>.",
    )
    text = render_report(shown, meanings_of(PICTURE_OPTIONS.metrics))
    low, high = (f"{100 * end:.2f}" for end in document["intervals"]["class_agreement"])
    pictures = [attributes["alt"] or "" for tag, attributes in Page(text).tags if tag == "img"]
    assert [words.split(":")[0] for words in pictures[1:]] == ["teacher", "kdm"]
    assert "the teacher's row is the first" in pictures[0]
    for words in (f"{low}\u00a0… {high}", "256 held out", "It tells &lt;most&gt;.", "95% interval"):
        assert words in text
    assert "±" not in text
