"""Pairs as data/generate.py of GET writes them (Geng et al. 2023, locuslab/get): pickled tensors.

`latent/LASTSEED.pkl` and `image/LASTSEED.pkl` hold up to 50 batches each, by torch.save; rows are the
files in the order of their numbers, as its loader takes them. By class, the latent file is a list:
latents and one-hot labels. The files are read without unpickling (see `pickles`).

Latents are saved before EDM's sampler multiplies them by its largest noise level, σ = 80, so x_T is
the sampler's start only after `noise_scale=80`. Their variance of one cannot tell that factor (80,
80.2037 or .02-limited nets), and they are a right pair as they are for students that, like GET, take
unit noise. So the default is what is found, scale 1, and nothing is multiplied in silence. Images
without classes are float64; they are cast to float32, the widest type of a store.
"""

import re
from pathlib import Path

from storage.folders.foreign_files import entries_of
from storage.importers.parts import Part, PartedSet
from storage.importers.source_digest import digest_of_files
from storage.importers.torch_files import TensorRows, tensors_in

IMPORTER = "get"
IMPORTER_VERSION = 1
_NAME = re.compile(r"\d{1,12}\.pkl")
_FOLDERS = ("image", "latent")


def open_get(folder: Path) -> PartedSet:
    """The set in a folder, latents first; every file's description is checked, no number read yet.

    Its digest is what `sha256sum image/*.pkl latent/*.pkl | sha256sum` prints in the folder.
    """
    names = _names(folder)
    files = sorted(f"{kind}/{name}" for kind in _FOLDERS for name in names)
    digest = digest_of_files(folder, files)
    parts = tuple(_part(folder, name) for name in names)
    return PartedSet(IMPORTER, IMPORTER_VERSION, folder, "{{latent,image}}/{}", parts, digest)


def _names(folder: Path) -> list[str]:
    """The names in both folders, by their numbers."""
    found = {kind: set(_listed(folder / kind)) for kind in _FOLDERS}
    alone = found["latent"] ^ found["image"]
    if alone:
        raise ValueError(
            f"{folder} has '{min(alone)}' in only one of latent/ and image/; restore the other"
        )
    return sorted(found["latent"], key=lambda name: (int(name[:-4]), name))


def _listed(folder: Path) -> list[str]:
    entries = entries_of(folder, "give the one that holds latent/ and image/")
    strange = [
        entry.name for entry in entries if not _NAME.fullmatch(entry.name) or not entry.is_file()
    ]
    if strange or not entries:
        what = f"'{min(strange)}'" if strange else "nothing"
        raise ValueError(f"{folder} holds {what}; it must hold files NUMBER.pkl and no other")
    return [entry.name for entry in entries]


def _part(folder: Path, name: str) -> Part:
    latents = _tensors(folder / "latent" / name, at_most=2)
    (image,) = _tensors(folder / "image" / name, at_most=1)
    part = Part(name, latents[0], image, latents[1] if len(latents) == 2 else None)
    part.require_pairs(f"{folder}: 'latent/{name}' and 'image/{name}'")
    return part


def _tensors(path: Path, *, at_most: int) -> tuple[TensorRows, ...]:
    try:
        found = tensors_in(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if len(found) > at_most:
        raise ValueError(f"{path}: it holds {len(found)} tensors, right is {at_most}")
    return found
