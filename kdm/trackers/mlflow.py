"""MLflow: a run on its local store, or on the server that MLFLOW_TRACKING_URI names.

MLflow keeps a metric once for one (run, name, step, time, value). So an entry that comes again, because a
process was killed in it, changes nothing: its time is that of the training.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from kdm.trackers.tracked_run import Entry, TrackedRun
from kdm.trackers.tracker import Tracker, TrackerPlugin, lacking

_URI = "MLFLOW_TRACKING_URI"
_KEY, _STEP = "kdm.run", "kdm.step"  # tags of a run: its key, and the last step that it has
_MOST_METRICS, _MOST_PARAMETERS = 1000, 100  # in one request (mlflow.utils.validation)


class MlFlow(TrackerPlugin):
    """A run of an experiment: metrics, parameters, and pictures as artifacts."""

    plugin = "mlflow"
    package: ClassVar[str] = "mlflow"
    extra: ClassVar[str] = "mlflow"
    # What MLflow documents under 'Usage tracking'.
    environment: ClassVar[Mapping[str, str]] = {"MLFLOW_DISABLE_TELEMETRY": "true"}

    experiment: str = "kdm"  # the experiment that runs are filed under

    @property
    def needs_disk(self) -> bool:
        """Unless the environment names a server or another store."""
        return not os.environ.get(_URI)

    def open(self, run: TrackedRun) -> "MlFlowRun":
        """The run with this key, made if there's none."""
        if not self.needs_disk:
            return MlFlowRun(run, self.experiment, os.environ[_URI], artifacts=None)
        store = run.shared_path("mlflow.db")
        store.parent.mkdir(parents=True, exist_ok=True)
        with _alone(store.with_suffix(".lock")):  # two processes can't make its tables at once
            if not store.exists():
                _make_store(store)
            artifacts = run.shared_path("mlflow-artifacts").as_uri()
            return MlFlowRun(run, self.experiment, f"sqlite:///{store}", artifacts=artifacts)


class MlFlowRun(Tracker):
    """One run; every call is written before it returns."""

    def __init__(
        self, run: TrackedRun, experiment: str, uri: str, *, artifacts: str | None
    ) -> None:
        # Imported here: it takes seconds, in the process of this tracker alone.
        from mlflow import MlflowClient, entities

        self._entities: Any = entities
        self._client: Any = MlflowClient(tracking_uri=uri)
        found = self._client.get_experiment_by_name(experiment)
        place = (
            found.experiment_id if found else self._client.create_experiment(experiment, artifacts)
        )
        runs = self._client.search_runs([place], f"tags.`{_KEY}` = '{run.key}'")
        made = (
            runs[0]
            if runs
            else self._client.create_run(place, tags={_KEY: run.key}, run_name=run.name)
        )
        self._id: str = made.info.run_id
        self._tell_options(run.options)

    def last_step(self) -> int:
        """What the run's tag says, which is written after an entry."""
        return int(self._now().data.tags.get(_STEP, 0))

    def tell(self, entries: Sequence[Entry]) -> None:
        """Pictures first, then as many numbers in a request as MLflow takes, then the tag."""
        for group in _groups(entries):
            for entry in group:
                self._tell_pictures(entry)
            metrics = [
                self._entities.Metric(name, value, round(entry.at * 1000), entry.step)
                for entry in group
                for name, value in entry.values.items()
            ]
            tag = self._entities.RunTag(_STEP, str(group[-1].step))
            self._client.log_batch(self._id, metrics=metrics, tags=[tag], synchronous=True)

    def finish(self, numbers: Mapping[str, float]) -> None:
        """What differs from the run's numbers, as metrics of its last step; the run is finished."""
        now = self._now()
        step, at = int(now.data.tags.get(_STEP, 0)), now.info.start_time
        metrics = [
            self._entities.Metric(name, value, at, step)
            for name, value in lacking(now.data.metrics, numbers).items()
        ]
        self._client.log_batch(self._id, metrics=metrics, synchronous=True)
        if now.info.status != "FINISHED":
            self._client.set_terminated(self._id)

    def close(self) -> None:
        """Nothing is held back."""

    def _now(self) -> Any:
        return self._client.get_run(self._id)

    def _tell_pictures(self, entry: Entry) -> None:
        for name, png in entry.pictures.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"step-{entry.step:08d}.png"
                path.write_bytes(png)
                self._client.log_artifact(self._id, str(path), name)

    def _tell_options(self, options: Mapping[str, Any]) -> None:
        params = [self._entities.Param(name, str(value)) for name, value in options.items()]
        for first in range(0, len(params), _MOST_PARAMETERS):
            some = params[first : first + _MOST_PARAMETERS]
            self._client.log_batch(self._id, params=some, synchronous=True)


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Entries by as many as one request takes; one entry is never parted."""
    group: list[Entry] = []
    count = 0
    for entry in entries:
        if group and count + len(entry.values) > _MOST_METRICS:
            yield group
            group, count = [], 0
        group.append(entry)
        count += len(entry.values)
    if group:
        yield group


def _make_store(store: Path) -> None:
    """Make MLflow's tables under a temporary name: a kill half-way leaves a store that never opens again."""
    from mlflow import MlflowClient

    client: Any = MlflowClient
    made = store.with_suffix(".making")
    made.unlink(missing_ok=True)
    client(tracking_uri=f"sqlite:///{made}").search_experiments()
    made.replace(store)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Be the only process of this machine in the block."""
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
