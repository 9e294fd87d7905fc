"""Published KDM students in this project's options, from the arguments of their constructor.

The published code (github.com/azencot-group/KDM) builds its model from keyword arguments, which its
configurations and saved modules record. Each value here has one counterpart, or is refused by name: a
student that silently differed from the published one would be worse than none.
"""

from collections.abc import Mapping
from typing import Any

from kdm.coders.unet_coders import UNetCoders
from kdm.losses.distances import L2, Distance, Huber
from kdm.losses.lpips import Lpips
from kdm.losses.spectral_options import DenseSpectralOptions, SpectralOptions
from kdm.losses.sum import Sum
from kdm.students.koopman import Koopman
from kdm.students.koopman_factorised import KoopmanFactorised
from kdm.students.koopman_losses import KoopmanLosses
from storage.options import parse
from storage.records import LabelRule, NoiseRule, PairSchema

_LABELS = {
    "Uncond": "nowhere",
    "OnlyEncDec": "networks",
    "KoopmanMatrixAddition": "networks-and-control",
}
_WEIGHTS = {"rec": "w_rec", "lat": "w_latent", "pred": "w_push"}
_NETWORK_KEYWORDS = (
    "model_channels",
    "channel_mult",
    "num_blocks",
    "attn_resolutions",
    "dropout",
)


def student_of(keywords: Mapping[str, Any], *, is_factorised: bool) -> Koopman | KoopmanFactorised:
    """The options that these constructor arguments mean, except for the adversarial term.

    `is_factorised` chooses KDM-F (App. C). Raises a ValueError that names an argument whose value
    lacks a counterpart here.
    """
    shared: dict[str, Any] = {"networks": _coders(keywords), "losses": _losses(keywords)}
    kind = keywords["koopman_loss_type"]
    if is_factorised:
        penalties = _chosen("koopman_loss_type", kind, _FACTORISED_PENALTIES)
        return KoopmanFactorised(penalties=penalties, phase="logarithm", **shared)
    return Koopman(penalties=_chosen("koopman_loss_type", kind, _DENSE_PENALTIES), **shared)


def schema_of(keywords: Mapping[str, Any]) -> PairSchema:
    """What its pairs are: pictures (in_channels, H, H), noise of standard deviation 80 unless given."""
    side, num_classes = keywords["img_resolution"], keywords.get("label_dim") or 0
    return PairSchema(
        shape=(keywords["in_channels"], side, side),
        noise=NoiseRule(kind="stored", scale=keywords.get("initial_noise_factor", 80)),
        label=LabelRule(rule="stored", num_classes=num_classes) if num_classes else None,
    )


def _coders(keywords: Mapping[str, Any]) -> UNetCoders:
    chosen = {name: keywords[name] for name in _NETWORK_KEYWORDS}
    return UNetCoders(
        **chosen,
        latent_channels=keywords["out_channels"],
        latent_dim=keywords.get("linear_proj") or None,
        labels=_chosen("cond_type", keywords["cond_type"], _LABELS),
        scales_noise=False,
    )


def _losses(keywords: Mapping[str, Any]) -> KoopmanLosses:
    """The losses' weights, d and the latent noise, as the arguments give them; else as published.

    Raises a ValueError for a weight that this project doesn't have.
    """
    distance = _chosen("rec_loss_type", keywords["rec_loss_type"], _DISTANCES)
    turn = keywords.get("psudo_huber_c", Huber().c)
    if turn != Huber().c and distance != Huber():
        raise ValueError(
            f"psudo_huber_c is {turn!r}, but rec_loss_type is {keywords['rec_loss_type']!r}, whose turn "
            f"is {Huber().c} here; set it to that"
        )
    for name, value in keywords.items():
        is_weight = name.startswith("w_") and name not in _WEIGHTS.values()
        if is_weight or (name == "advers_w" and value != 1):
            raise ValueError(
                f"{name} is {value!r}, which this project cannot set; leave it out or at 1"
            )
    said = {
        **{ours: keywords.get(theirs, 1) for ours, theirs in _WEIGHTS.items()},
        "rec_lat_share": 1,
        "distance": Huber(c=turn) if distance == Huber() else distance,
        "latent_noise": keywords["noisy_latent"],
    }
    return parse(KoopmanLosses, said, "the losses of the published student")


def _chosen(keyword: str, value: Any, known: Mapping[str, Any]) -> Any:
    """The counterpart of an argument's value; a ValueError without one."""
    if value not in known:
        raise ValueError(f"{keyword} is {value!r}; this project knows {', '.join(known)}")
    return known[value]


_DISTANCES: dict[str, Distance] = {
    "L2": L2(),
    "Huber": Huber(c=0.03),
    "LPIPS": Lpips(),
    "BOTH": Sum(),  # L2 + LPIPS
}
# Each but NoLoss also asks for an inverse.
_FACTORISED_PENALTIES = {
    "NoLoss": SpectralOptions(spectral=0, inverse=0, targets="circle"),  # which draws nothing
    "Uniform": SpectralOptions(targets="published-square"),
    "GradualUniform": SpectralOptions(targets="gradual"),
    "OnTheCircle": SpectralOptions(targets="published-point"),
}
_DENSE_PENALTIES = {
    "NoLoss": None,
    "EL": DenseSpectralOptions(targets="published-quadrant"),
    "Uniform": DenseSpectralOptions(targets="published-quadrant"),
    "OnTheCircle": DenseSpectralOptions(targets="published-point"),
}
