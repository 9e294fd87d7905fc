"""The automation that marks a flow run as Crashed if its process gives no more sign of life.

A flow's process tells the server every three minutes that it is there (`prefect.flow-run.heartbeat`), the
first time as it starts, from a thread of its own. After each of these the server waits for the next, or for a
state in which nobody has to give one. Prefect's recipe ("How to detect zombie flows") doesn't have the states
`Cached` and `Skipped`, in which runs of this project end too, nor those in which a run waits.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from flows.orchestration.old_runs import TAG

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.events.schemas.automations import AutomationCore

NAME = "kdm: a run without a sign of life has crashed"
# Five signs of life that don't come, so that a server that is restarted or a network that is away for some
# minutes crashes nobody.
SILENCE = timedelta(minutes=15)
_EVENT = "prefect.flow-run."
_ENDED = ("Completed", "Cached", "Skipped", "Failed", "Cancelled", "Crashed", "TimedOut")
# Without a process: the next one tells again that it is there.
_WAITING = (
    *("Scheduled", "Late", "Pending", "Paused", "Suspended"),
    *("AwaitingRetry", "AwaitingConcurrencySlot"),
)


def crash_silent_runs(client: "SyncPrefectClient", silence: timedelta = SILENCE) -> None:
    """Make the automation, or bring the one that is there up to date."""
    make_or_update(client, _automation(silence))


def make_or_update(client: "SyncPrefectClient", wanted: "AutomationCore") -> None:
    """Have the server hold one automation of this name, as it is wanted."""
    found = client.read_automations_by_name(wanted.name)
    if found:
        client.update_automation(found[0].id, wanted)
    else:
        client.create_automation(wanted)


def _automation(silence: timedelta) -> "AutomationCore":
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    resource, related = "prefect.resource.id", "prefect.resource.role"
    sign = f"{_EVENT}heartbeat"
    return AutomationCore(
        name=NAME,
        description="Made by 'kdm deploy --automations'; what to know of it is in docs/prefect.md.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after={sign},
            expect={sign, *(_EVENT + state for state in (*_ENDED, *_WAITING))},
            match=ResourceSpecification({resource: [f"{_EVENT}*"]}),
            match_related=ResourceSpecification(
                {resource: [f"prefect.tag.{TAG}"], related: ["tag"]}
            ),
            for_each={resource},
            within=silence,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"no sign of life for {silence.total_seconds() / 60:g} minutes: its process or its "
                "machine has died, or can't reach the server; run it again, and what is there is found",
            )
        ],
    )
