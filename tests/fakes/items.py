"""Items as a connector would bring them, by hand: an alert for tomorrow unless said otherwise."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hub.contracts import Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, Severity, Status, Urgency

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)


def item(external_id: str = "a", headline: str = "Vent fort", **more: Any) -> Item:
    now = more.pop("now", NOW)
    given: dict[str, Any] = {
        "version": "1",
        "msg_type": MsgType.ALERT,
        "status": Status.ACTUAL,
        "texts": {"fr": Text(headline, description=more.pop("description", "Rafales."))},
        "category": "weather",
        "severity": Severity.MODERATE,
        "urgency": Urgency.EXPECTED,
        "certainty": Certainty.LIKELY,
        "sent": now,
        "expires": now + timedelta(days=1),
    }
    return Item(external_id=external_id, **given | more)


def cancel(of: str, external_id: str = "z", **more: Any) -> Item:
    return item(external_id, msg_type=MsgType.CANCEL, cancels=(of,), **more)


def reading(*items: Item, complete: bool = True, **more: Any) -> Parsed:
    return Parsed(tuple(items), complete=complete, **more)
