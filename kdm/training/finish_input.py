"""What a finish starts from, as part of a job: the trained student, and how it is finished."""

from typing import Any

from pydantic import Field

from kdm.finish.finish_options import FinishOptions
from kdm.trained import TIMINGS, read_config, read_weights
from kdm.training.options import EmaOptions, TrainingOptions
from storage.digest import unseal
from storage.errors import DamageError, MismatchError
from storage.folders import folder_at
from storage.options import Options

_SHA256 = r"^[0-9a-f]{64}$"


class FinishInput(Options):
    """A trained student's folder and the digest of its weights, with the options of the finish."""

    options: FinishOptions
    student: str  # URL of its folder
    weights: str = Field(pattern=_SHA256)
    network: str | None = Field(None, pattern=_SHA256)  # of the features' file, if they need one

    def identity(self) -> dict[str, Any]:
        """All that the result depends on, as JSON values: weights and features by content, not by place."""
        network = {} if self.network is None else {"network": self.network}
        return {**self.options.model_dump(mode="json"), "weights": self.weights, **network}

    def require_network(self) -> None:
        """Raise a ValueError or `MismatchError` if the features' file isn't there, or is another one."""
        if self.options.features.network_sha256() != self.network:
            raise MismatchError(
                f"the weights folder's {self.options.features.file} isn't the file that this finish began "
                "with; put that one there"
            )

    def trained_weights(self) -> bytes:
        """As safetensors bytes; a `DamageError` or `MismatchError` unless they are those meant."""
        config = self._config()
        if config["weights"]["sha256"] != self.weights:
            raise MismatchError(
                f"{self.student} holds other weights than those that the job finishes; use another folder"
            )
        return read_weights(folder_at(self.student), config)

    def before(self) -> dict[str, Any]:
        """What the student was that is finished: its name, its weights and its training."""
        training = self._config()["identity"]["training"]
        name = folder_at(self.student).name
        return {"student": name, "weights": self.weights, "training": training}

    def took_before(self) -> dict[str, Any]:
        """What its training took; empty if nobody can tell, since times are no result."""
        folder = folder_at(self.student)
        try:
            timings = unseal(folder.read(TIMINGS), f"{folder.url}/{TIMINGS}")
        except (FileNotFoundError, DamageError):
            return {}
        return {name: timings[name] for name in ("seconds", "cpu_seconds", "num_ranks")}

    def _config(self) -> dict[str, Any]:
        config = read_config(folder_at(self.student))
        if config is None:
            raise DamageError(
                f"{self.student} lacks the trained student that is to be finished; run again"
            )
        return config


def finish_training(options: FinishOptions, first: TrainingOptions) -> TrainingOptions:
    """How the second training is done: as the first, but for its length, rate and average.

    Of several averages only the first is kept, since the student's own loss can't choose among them here.
    """
    ema = EmaOptions(decay=first.ema.decay, warmup=first.ema.warmup) if first.ema else None
    lengths = ("num_steps", "batch_size", "learning_rate", "warmup_steps")
    return first.model_copy(
        update={
            **{name: getattr(options, name) for name in lengths},
            "schedule": "cosine",
            "micro_batch": None,
            "ema": ema,
        }
    )
