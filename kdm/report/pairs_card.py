"""The card of a set of pairs: what is in it and how to read it, for people and for the Hub.

It states what a reader needs to use the files without this project: types and shapes, how numbers
became bytes, and the line of numpy that derives x_T. Front matter follows the Hub's `dataset_info`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kdm.differential_privacy import Claim, claim_fields, claim_lines
from kdm.licences import hub_fields
from kdm.report.content import FilterCounts, SplitCounts
from kdm.report.markdown import code_block, front_matter, inline
from kdm.report.tables import counted, number
from storage.noise import split_code
from storage.records import PairSchema
from storage.yaml_text import yaml_text

# The Hub's names for how large a set is, by samples.
_SIZES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
    10**9: "100M<n<1B",
}
_ROUNDING = {
    "half-even": "byte = rint(127.5 x + 127.5), clipped; back: x = (byte − 127.5) / 127.5",
    "floor": "byte = floor(127.5 x + 128), clipped; back: x = (byte − 127.5) / 127.5",
}


@dataclass(frozen=True)
class SplitEntry:
    """One split in one layout, as its largest manifest froze it.

    The same split in two layouts has two entries with the same counts and contents.
    """

    counts: SplitCounts
    layout: str
    num_shards: int
    num_bytes: int  # of the shards' files
    contents: str  # the digest over the content digests that the manifest lists; '' without one


@dataclass(frozen=True)
class PairsCard:
    """All that a card of pairs says.

    Everything is read from the set itself: the spec, the manifests and the filters' decisions.
    """

    name: str
    digest: str  # of the spec
    teacher: str
    sampler: str  # with the number of evaluations, in words; '' if unknown
    spec: Mapping[str, Any]
    schema: PairSchema
    splits: tuple[SplitEntry, ...]
    filters: tuple[FilterCounts, ...] = ()
    purged: tuple[str, ...] = ()  # what was removed for good, in words, a purge each
    licence: str = "unknown"
    has_picture: bool = True
    claim: Claim | None = None  # of differential privacy


def pairs_card(card: PairsCard) -> str:
    """The text of card.md; it shows pairs.png, which is beside it.

    Tables of splits and filters come first, then what the fields mean, then the whole spec.
    """
    picture = ["![Noise on the left, data on the right](pairs.png)", ""] if card.has_picture else []
    return "\n".join(
        [
            front_matter(_front(card)),
            f"# {inline(card.name)}",
            "",
            f"Pairs (x_T, x_0) of {inline(card.teacher)}: noise, and the sample that it ends in"
            f"{', by ' + inline(card.sampler) if card.sampler else ''}.",
            "",
            *picture,
            *_tables(card.splits),
            *_filter_lines(card.filters),
            *_purged_lines(card.purged),
            *claim_lines(card.claim),
            *_conventions(card),
            "All that determines the pairs:",
            "",
            *code_block(yaml_text(dict(card.spec), sort_keys=True), "yaml"),
            "",
            f"Licence: {inline(card.licence)}, {_whose(card.spec)}.",
            "",
        ]
    )


def _whose(spec: Mapping[str, Any]) -> str:
    """Whose licence the card states."""
    if spec.get("kind") == "imported":
        return "as stated at the import"
    return "as for teacher and data"


def _front(card: PairsCard) -> dict[str, Any]:
    """The front matter: what the Hub reads, then counts and digests."""
    by_split: dict[str, SplitEntry] = {}  # in one layout each
    for entry in card.splits:
        by_split.setdefault(entry.counts.split, entry)
    rows = list(by_split.values())
    tags = ["distillation", "diffusion", "noise-data-pairs"]
    if card.schema.label is not None:
        tags.append("class-conditional")
    return {
        "pretty_name": card.name,
        **hub_fields(card.licence),
        **claim_fields(card.claim),
        "size_categories": [_size_category(sum(entry.counts.kept for entry in rows))],
        "tags": tags,
        "dataset_info": {
            "splits": [_split_info(entry) for entry in rows],
            "dataset_size": sum(entry.num_bytes for entry in rows),
        },
        "counts": {
            entry.counts.split: {
                "attempted": entry.counts.attempted,
                "kept": entry.counts.kept,
                "dropped": {why: num for why, num in sorted(entry.counts.dropped.items()) if num},
            }
            for entry in rows
        },
        "teacher": card.teacher,
        "spec_digest": card.digest,
        "content_digests": {
            f"{entry.counts.split}/{entry.layout}": entry.contents for entry in card.splits
        },
    }


def _split_info(entry: SplitEntry) -> dict[str, Any]:
    """As the Hub's library reads it; it refuses any other key."""
    counts = entry.counts
    return {"name": counts.split, "num_bytes": entry.num_bytes, "num_examples": counts.kept}


def _size_category(num_samples: int) -> str:
    """The Hub's name for a set of this many samples."""
    return next((name for end, name in _SIZES.items() if num_samples < end), "n>1B")


def _tables(splits: tuple[SplitEntry, ...]) -> list[str]:
    """The table of splits and layouts."""
    rows = [
        f"| {inline(entry.counts.split)} | {inline(entry.layout)} | {entry.counts.attempted:,} "
        f"| {entry.counts.kept:,} | {inline(counted(entry.counts.dropped))} "
        f"| {_bytes_a_pair(entry)} | {entry.num_shards:,} | {_digits(entry.contents)} |"
        for entry in splits
    ]
    return [
        "| split | layout | attempted | kept | dropped | bytes a pair | shards | contents |",
        "|---|---|---:|---:|---|---:|---:|---|",
        *rows,
        "",
    ]


def _bytes_a_pair(entry: SplitEntry) -> str:
    """Bytes of the files for each pair that was kept."""
    return f"{entry.num_bytes / entry.counts.kept:,.0f}" if entry.counts.kept else "–"


def _digits(digest: str) -> str:
    """The first digits of a digest, as code."""
    return f"`{digest[:12]}`" if digest else "not frozen"


def _filter_lines(filters: tuple[FilterCounts, ...]) -> list[str]:
    """What each filter masked, a line a decision."""
    lines = [
        f"- {inline(decision.filter)} on {inline(decision.split)}: "
        f"{decision.judged - decision.kept:,} of "
        f"{decision.judged:,} masked at threshold {number(decision.threshold)} "
        f"(false-positive rate {decision.stated_rate})"
        for decision in filters
    ]
    return ["Filters, as masks beside the pairs:", "", *lines, ""] if lines else []


def _purged_lines(purged: tuple[str, ...]) -> list[str]:
    """What was removed for good, a line a purge."""
    lines = [f"- purged: {inline(words)}" for words in purged]
    return (
        ["Removed from the pairs for good, by decisions of filters:", "", *lines, ""]
        if lines
        else []
    )


def _conventions(card: PairsCard) -> list[str]:
    """What the fields are, and how noise that isn't stored is derived."""
    schema = card.schema
    lines = [
        "A subscript is a diffusion time: 0 is data, T is noise.",
        f"`x_0` is {schema.x_0_dtype} {list(schema.shape)}, {_values(schema)}.",
    ]
    if schema.label is not None:
        lines.append(f"`label` is one of {schema.label.num_classes} ({schema.label.rule}).")
    if schema.num_states:
        lines.append(
            f"`states` holds {schema.num_states} points between, {schema.states_dtype}, from noise "
            "to data."
        )
    lines.append(_noise(schema))  # last, because code may follow
    return ["Conventions:", "", *(f"- {line}" for line in lines), "", *_noise_code(card)]


def _values(schema: PairSchema) -> str:
    """Which values x_0 takes, and how they became bytes."""
    if schema.rounding in _ROUNDING:
        return _ROUNDING[schema.rounding]
    if schema.value_range is None:
        return "of any finite value"
    low, high = schema.value_range
    return f"from {low:g} to {high:g}"


def _noise(schema: PairSchema) -> str:
    """What x_T is, in a sentence."""
    if schema.noise.kind == "stored":
        return f"`x_T` is stored, {schema.x_T_dtype}, of standard deviation {schema.noise.scale:g}."
    return (
        f"`x_T` is float32(ε · {schema.noise.scale:g}), ε drawn by seed, split and index alone; it "
        "is not stored, but derived:"
    )


def _noise_code(card: PairsCard) -> list[str]:
    """The line of numpy that gives x_T of an index; [] if noise is stored."""
    noise = card.schema.noise
    if noise.kind == "stored":
        return []
    split = card.splits[0].counts.split if card.splits else "train"
    line = (
        f"x_T = np.float32(np.random.RandomState(np.random.Philox(key=np.array([{noise.seed}, "
        f"{split_code(split)}], np.uint64), counter=np.array([0, 0, index, 0], np.uint64)))"
        f".standard_normal({list(card.schema.shape)}) * {noise.scale!r})"
    )
    return [
        *code_block(line, "python"),
        "",
        f"for an index of {inline(split)}; the second number of the key is the split's code: 0 for "
        "train, 1 for heldout.",
        "",
    ]
