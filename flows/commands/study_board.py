"""The one line on the terminal of a study that runs, whichever child has told something."""

from collections.abc import Sequence
from typing import Any

from flows.progress import Progress
from flows.study.estimate import Estimate
from flows.study.trials import Plan, Trial
from flows.terminal import Terminal


class Board:
    """Turns the lines of children into one line of progress with the time to go."""

    def __init__(
        self, plan: Plan, num_there: int, missing: Sequence[Trial], jobs: int, terminal: Terminal
    ) -> None:
        self._plan, self._terminal = plan, terminal
        self._num_there, self._total = num_there, len(plan.trials)
        self._jobs = jobs
        self._shares = {trial.name: 0.0 for trial in missing}
        self._estimate = Estimate.of(plan)

    def hear(self, trial: Trial, message: dict[str, Any]) -> None:
        """One line of a child."""
        if "say" in message:
            self._terminal.say(message["say"])  # all trials say the same of their pairs: once
        elif "made" in message:
            self._shares[trial.name] = 1.0
            self._terminal.say(f"study           {self._plan.study.name}: {trial.name}  done")
        elif "progress" in message:
            progress = Progress(**message["progress"])
            if progress.stage == "distill":
                self._shares[trial.name] = 0.9 * progress.done / max(progress.total, 1)
        self.show(trial)

    def show(self, trial: Trial | None = None) -> None:
        """The line as it is now."""
        done = self._num_there + sum(share == 1.0 for share in self._shares.values())
        rate, eta = self._estimate.rate_and_rest(list(self._shares.values()), self._jobs)
        note = f"{trial.name} {self._shares[trial.name]:.0%}" if trial else ""
        name = f"{self._plan.study.name} on {self._plan.data}"
        self._terminal.report(
            Progress("study", name, done, self._total, "students", rate, eta, note)
        )
