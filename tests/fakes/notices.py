"""A notice of our demo town, to say on any channel under test."""

from datetime import UTC, datetime
from typing import Any

from hub.contracts import Notice, Text
from hub.vocabulary import (
    Certainty,
    Intent,
    MsgType,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)

SENT = datetime(2026, 3, 2, 8, 31, tzinfo=UTC)


def water_cut(**changes: Any) -> Notice:
    """Tuesday 3 March 2026, 7 to 11 in the morning in Paris; said the day before."""
    values: dict[str, Any] = {
        "publication": "01JWATER0000000000000000AA",
        "revision": 1,
        "intent": Intent.PUBLISH,
        "msg_type": MsgType.ALERT,
        "status": Status.ACTUAL,
        "scope": Scope.PUBLIC,
        "sender": "mairie@villard-bonnot.example",
        "authority": "villard-bonnot",
        "authority_name": "Commune de Villard-Bonnot",
        "station": "mairie",
        "station_name": "Mairie de Villard-Bonnot",
        "timezone": "Europe/Paris",
        "category": "water",
        "cap_category": "Infra",
        "category_labels": {"fr": "Eau", "en": "Water", "es": "Agua"},
        "event": "Coupure d’eau",
        "response_type": ResponseType.PREPARE,
        "severity": Severity.MODERATE,
        "urgency": Urgency.FUTURE,
        "certainty": Certainty.LIKELY,
        "sent": SENT,
        "first_sent": SENT,
        "effective": SENT,
        "onset": datetime(2026, 3, 3, 6, tzinfo=UTC),
        "expires": datetime(2026, 3, 3, 10, tzinfo=UTC),
        "texts": {
            "fr": Text(
                "Coupure d’eau dans le centre de Lancey",
                "Le service des eaux remplace une vanne à l’angle de la rue du Vercors. "
                "L’eau peut rester trouble une heure après la remise en service.",
                "Faites une réserve d’eau la veille.",
            )
        },
        "url": "https://mairie.example/p/01JWATER",
        "area_desc": "rue du Vercors",
    }
    return Notice(**(values | changes))
