"""The papers' students by name: options, training, and the pairs that they are for (Tables 4 to 7, 9).

`published` is the training of the published code to the letter: raw noise of standard deviation 80,
d = LPIPS, latent noise 0.4, λ_adv = 0.01, Adam at a constant 3e-4 on batches of 128, an average of
0.9999 from step 0 (App. E.3, Table 7). If paper and code differ, it follows the code: the
checkerboard's student is an MLP of width 256 trained for 20,001 steps without a prediction loss or
a critic, and FFHQ and AFHQv2 have batches of 128 (Table 7: 64). `default` differs from it as
docs/students.md explains, and needs no file of weights. Students of other papers are there to be
compared with at equal size.
"""

from kdm.losses.distances import Distance
from kdm.presets.koopman_presets import checkerboard, images, started_timed, timed
from kdm.presets.koopman_presets import started as started_kdm
from kdm.presets.preset import Make, Mode, Preset, Terms
from kdm.presets.rival_presets import get, mean_flow, reflow, regression, started


def preset_names() -> list[str]:
    """The presets' names, in the order of the paper."""
    return list(_PRESETS)


def preset(
    name: str,
    mode: Mode = "default",
    *,
    distance: Distance | None = None,
    terms: Terms | None = None,
    has_adversary: bool | None = None,
) -> Preset:
    """A preset by name, with another d (None: its own), and a row of Table 5.

    `terms` are the losses that it keeps (None: all), `has_adversary` whether there is a critic (None: as
    the preset has it). Raises a ValueError for an unknown name, and for a choice that the preset
    lacks.
    """
    if name not in _PRESETS:
        raise ValueError(f"there is no preset '{name}'; there are {', '.join(_PRESETS)}")
    _require_choice(name, mode, terms, has_adversary)
    if distance is not None and name in _WITHOUT_DISTANCE:
        raise ValueError(
            f"distance is '{distance.plugin}', but preset '{name}' has a loss of its own, of weighted "
            "squares; leave 'distance' out"
        )
    words = (terms or "rec+lat+pred").split("+")
    kept = {term: float(term in words) for term in ("rec", "lat", "pred")}
    chosen = {} if distance is None else {"distance": distance}
    return _PRESETS[name](mode, {**kept, **chosen}, has_adversary is not False)


def _require_choice(name: str, mode: Mode, terms: Terms | None, has_adversary: bool | None) -> None:
    """Raise a ValueError if a preset would silently ignore a choice."""
    if mode == "published" and name in _UNPUBLISHED:
        raise ValueError(
            f"mode is 'published', but nobody published preset '{name}'; leave 'mode' out"
        )
    if terms is not None and name in _WITHOUT_TERMS:
        raise ValueError(
            f"terms is '{terms}', but preset '{name}' doesn't have the losses of Table 5; leave 'terms' out"
        )
    if has_adversary and name in (*_WITHOUT_TERMS, _POINTS):
        raise ValueError(
            f"has_adversary is true, but preset '{name}' lacks a critic; leave 'has_adversary' out"
        )
    if name == _POINTS and mode == "published" and terms is not None and "pred" in terms:
        raise ValueError(
            f"terms is '{terms}', but the published code doesn't have 'pred' for points; choose "
            "rec+lat, rec or lat, or mode 'default'"
        )


_PRESETS: dict[str, Make] = {
    "cifar10": images(),
    "cifar10-cond": images(num_classes=10),
    "cifar10-kdm-f": images(is_factorised=True),
    "cifar10-cond-kdm-f": images(num_classes=10, is_factorised=True),
    "ffhq64": images(side=64, model_channels=32, latent_dim=512),
    "afhqv2-64": images(side=64, model_channels=32, latent_dim=512),
    "checkerboard": checkerboard,
    # Larger matrices, of more latent channels (Table 6).
    "cifar10-4096": images(latent_channels=4),
    "cifar10-9216": images(latent_channels=9),
    # Table 9 gives sizes and no widths: these are the nearest whose groups divide their channels.
    "cifar10-20m": images(model_channels=40),
    "cifar10-38m": images(num_blocks=3),
    "cifar10-84m": images(model_channels=96, num_blocks=3),
    # The sizes T, M, S, B and B+ of GET (Geng et al. 2023).
    "get-t": get(width=256, num_heads=4, equilibrium_ratio=6),
    "get-m": get(width=384, num_heads=6, equilibrium_ratio=6),
    "get-s": get(),
    "get-b": get(width=768, depth=1, num_heads=12, equilibrium_ratio=12),
    "get-b-plus": get(width=768, num_heads=12),
    # Continuous time, for pairs that hold states.
    "cifar10-kdm-t": timed,
    # Rivals of KDM's own size.
    "cifar10-regression": regression,
    "cifar10-reflow": reflow,
    "cifar10-mean-flow": mean_flow,
    # The teacher's own network, with its weights.
    "cifar10-kdm-started": started_kdm,
    "cifar10-kdm-t-started": started_timed,
    "cifar10-regression-started": started,
}
_POINTS = "checkerboard"
_OF_RIVALS = (
    *("cifar10-kdm-t", "cifar10-regression", "cifar10-reflow", "cifar10-mean-flow"),
    *("cifar10-regression-started", "cifar10-kdm-t-started"),
)
_UNPUBLISHED = (*_OF_RIVALS, "cifar10-kdm-started")
_WITHOUT_DISTANCE = ("cifar10-mean-flow",)
_WITHOUT_TERMS = (*_OF_RIVALS, *(name for name in _PRESETS if name.startswith("get-")))
