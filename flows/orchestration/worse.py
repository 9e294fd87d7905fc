"""What became worse, told as events of Prefect's, and the automation that calls a webhook for each.

A report that is written tells once of each number that became worse (`kdm.report.changes`); one that is
current tells nothing. Any automation may be triggered by the event, for instance to send a mail.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prefect.events import emit_event

from flows.orchestration.automations import make_or_update
from flows.stage import StageResult

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.events.schemas.automations import AutomationCore

EVENT = "kdm.student.became-worse"
NAME = "kdm: a student became worse"
BLOCK = "kdm-became-worse"
_STUDENT = "kdm.student."
# What most services of chats and alarms take: a 'text', and fields beside it.
_PAYLOAD = """{{ {"text": event.payload.sentence, "change": event.payload} | tojson }}"""


def tell_of_worse(results: Sequence[StageResult]) -> None:
    """Emit an event for each change for the worse in reports that were just written."""
    for result in results:
        if result.stage == "eval-report" and not result.is_cached:
            for change in result.facts.get("worse", []):
                _emit(change, result)


def _emit(change: dict[str, Any], report: StageResult) -> None:
    resource = {
        "prefect.resource.id": f"{_STUDENT}{change['recipe']}.{change['student']}",
        "prefect.resource.name": change["student"],
        "kdm.recipe": change["recipe"],
        "kdm.number": change["name"],
    }
    emit_event(EVENT, resource, payload={**change, "report": f"{report.folder}/report.html"})


def call_when_worse(client: "SyncPrefectClient", url: str) -> None:
    """Make the automation and its webhook, or bring those that are there up to date."""
    from prefect.blocks.webhook import Webhook
    from pydantic import SecretStr

    block: Any = Webhook(method="POST", url=SecretStr(url))
    # Encrypted on the server: an address is often a secret.
    number = block.save(BLOCK, overwrite=True, _sync=True)
    make_or_update(client, _automation(number))


def _automation(block: Any) -> "AutomationCore":
    from datetime import timedelta

    from prefect.events.actions import CallWebhook
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    return AutomationCore(
        name=NAME,
        description="Made by 'kdm deploy --webhook'; what it sends is in docs/prefect.md.",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect={EVENT},
            match=ResourceSpecification({"prefect.resource.id": [f"{_STUDENT}*"]}),
            threshold=1,
            within=timedelta(0),
        ),
        actions=[CallWebhook(block_document_id=block, payload=_PAYLOAD)],
    )
