"""Of addresses elsewhere, those that are wrong are told from those that nobody answers for."""

import json
from pathlib import Path

import pytest

with pytest.MonkeyPatch.context() as paths:  # not a package that is installed
    paths.syspath_prepend(Path(__file__).parents[2])
    from website.addresses import judged, main

ANSWERS = {
    "https://a.org/": ("working", "", "right"),
    "https://b.org/": ("redirected", "https://www.b.org/", "moved"),
    "https://c.org/x": ("broken", "404 Client Error: Not Found for url: x", "wrong"),
    "https://d.org/x": ("broken", "410 Client Error: Gone for url: x", "wrong"),
    "https://e.org/#x": ("broken", "Anchor 'x' not found", "wrong"),
    "https://f.org/": ("broken", "403 Client Error: Forbidden for url: f", "not reached"),
    "https://g.org/": ("broken", "HTTPSConnectionPool(host='g.org'): Max retries", "not reached"),
    "https://h.org/": ("timeout", "read timed out", "not reached"),
    "https://i.org/": ("ignored", "service unavailable", "not reached"),
    "https://j.org/": ("broken", "502 Server Error: Bad Gateway for url: j", "not reached"),
}


def written(folder: Path, *verdicts: str) -> Path:
    """Sphinx's file, with the answers that have these verdicts, and a link inside the site."""
    lines = [
        {"filename": "a.md", "lineno": 3, "status": status, "code": 0, "uri": uri, "info": info}
        for uri, (status, info, verdict) in ANSWERS.items()
        if verdict in verdicts
    ]
    lines.append({**lines[0], "uri": "store.html", "status": "unchecked", "info": ""})
    file = folder / "output.json"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


def test_each_answer_has_its_verdict(tmp_path: Path) -> None:
    file = written(tmp_path, "right", "moved", "wrong", "not reached")
    found = {each.uri: each.verdict for each in judged(file.read_text().splitlines())}
    assert found == {uri: verdict for uri, (_, _, verdict) in ANSWERS.items()}


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (("right", "moved", "not reached"), 0),
        (("right", "wrong", "not reached"), 1),
        (("not reached",), 2),
    ],
)
def test_the_exit_code_says_whether_any_is_wrong_or_none_was_reached(
    tmp_path: Path, verdicts: tuple[str, ...], code: int
) -> None:
    assert main(written(tmp_path, *verdicts)) == code


def test_a_wrong_address_is_printed_with_its_page_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(written(tmp_path, "right", "wrong"))
    said = capsys.readouterr().out
    assert "wrong: https://c.org/x\n  a.md:3: 404 Client Error" in said
    assert said.endswith("3 wrong, 0 not reached, 0 moved, 1 right\n")
