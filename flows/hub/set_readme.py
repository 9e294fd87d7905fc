"""The data-set card of pairs on the Hub: what its viewer and `datasets` read, then the set's own card."""

import re
from typing import Any

from kdm.report.markdown import code_block, front_matter, read_front_matter
from kdm.report.pairs_card import PairsCard, SplitEntry, pairs_card

_NOT_A_SPLIT = re.compile(r"\W")  # that `datasets` takes
_PICTURES = "unconditional-image-generation"


def set_readme(card: PairsCard, repo: str, *, has_view: bool) -> str:
    """README.md: front matter with data files by split, the card's text, and how to open the pairs."""
    written = pairs_card(card)
    front, body = read_front_matter(written), written.partition("\n---\n")[2]
    fields = {**front, **_hub_fields(card, front, has_view=has_view)}
    return f"{front_matter(fields)}{body}\n{_opening(card, repo, has_view=has_view)}"


def _hub_fields(card: PairsCard, front: dict[str, Any], *, has_view: bool) -> dict[str, Any]:
    is_pictures = len(card.schema.shape) == 3
    fields = {"tags": [*front["tags"], "webdataset", "kdm-offline"]}
    if is_pictures:
        fields["task_categories"] = [_PICTURES]
    info = front["dataset_info"]
    for split in info["splits"]:
        split["name"] = _split(split["name"])
    data_files = [
        {"split": _split(entry.counts.split), "path": _path(entry, has_view=has_view)}
        for entry in _one_each(card)
    ]
    return {
        **fields,
        "dataset_info": info,
        "configs": [{"config_name": "default", "data_files": data_files}],
    }


def _one_each(card: PairsCard) -> list[SplitEntry]:
    return list({entry.counts.split: entry for entry in reversed(card.splits)}.values())[::-1]


def _path(entry: SplitEntry, *, has_view: bool) -> str:
    split = entry.counts.split
    return f"view/{split}-*.tar" if has_view else f"{split}/{entry.layout}/shards/*.tar"


def _split(name: str) -> str:
    return _NOT_A_SPLIT.sub("_", name)


def _opening(card: PairsCard, repo: str, *, has_view: bool) -> str:
    split = card.splits[0].counts.split
    fields = "`x_0.png`" if len(card.schema.shape) == 3 else "`x_0.npy`"
    shown = f"rows of {fields}" if has_view else "records of up to 256 pairs"
    lines = [
        "## Opening it",
        "",
        *code_block(f"pip install 'kdm-offline[hub]'\nkdm pull pairs {repo}", "sh"),
        "",
        "The second line brings the set, verified, to a home. For other programs, the Hub's viewer and "
        f"`datasets` have {shown}; the index of a pair is its `__key__`:",
        "",
        *code_block(
            "from datasets import load_dataset\n\n"
            f'pairs = load_dataset("{repo}", split="{_split(split)}", streaming=True)\n'
            'index = int(next(iter(pairs))["__key__"].rpartition("/")[2])',
            "python",
        ),
        "",
    ]
    return "\n".join(lines)
