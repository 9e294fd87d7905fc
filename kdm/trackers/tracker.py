"""What a tracker is: it takes numbers and pictures of a training, step by step, and changes nothing."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from jaxtyping import UInt8

from storage.folders import Folder
from storage.plugins import Plugin

GROUP = "kdm.trackers"
DEFAULT = "tensorboard"  # by default, if samples are images
Picture = UInt8[np.ndarray, "height width 3"]


class Tracker(ABC):
    """One run's tracker, open."""

    @abstractmethod
    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by name after `step` steps."""

    @abstractmethod
    def picture(self, step: int, name: str, image: Picture) -> None:
        """A picture after `step` steps."""

    @abstractmethod
    def close(self) -> None:
        """Nothing more comes in this process."""


class TrackerPlugin(Plugin, ABC):
    """The options of one kind of tracker. No number depends on it, so no digest covers it."""

    needs_disk: ClassVar[bool]  # True: it writes into the run's folder, which must be local

    @abstractmethod
    def open(self, folder: Folder, *, first_step: int) -> Tracker:
        """A tracker of the run in `folder`, whose next entry may come after `first_step` steps.

        Entries of an earlier process of the same run for that step and later are void.
        """
