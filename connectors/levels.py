"""The four colours of French and European warnings."""

from typing import Final, Literal, TypeAlias

from connectors.wording import Words
from hub.vocabulary import ResponseType, Severity, Urgency

Level: TypeAlias = Literal["", "green", "yellow", "orange", "red"]
LEVELS: Final[tuple[Level, ...]] = ("", "green", "yellow", "orange", "red")
COLOURS: Final[dict[str, Level]] = {
    "green": "green", "vert": "green", "verte": "green", "verde": "green",
    "yellow": "yellow", "jaune": "yellow", "amarillo": "yellow",
    "orange": "orange", "amber": "orange", "naranja": "orange",
    "red": "red", "rouge": "red", "rojo": "red",
}  # fmt: skip
# The grading of European weather services: yellow is Moderate, orange Severe, red Extreme.
SEVERITY: Final[dict[Level, Severity]] = {
    "": Severity.UNKNOWN,
    "green": Severity.MINOR,
    "yellow": Severity.MODERATE,
    "orange": Severity.SEVERE,
    "red": Severity.EXTREME,
}
RESPONSE: Final[dict[Level, ResponseType]] = {
    "": ResponseType.NONE,
    "green": ResponseType.ALL_CLEAR,
    "yellow": ResponseType.MONITOR,
    "orange": ResponseType.PREPARE,
    "red": ResponseType.SHELTER,
}
# How each language says them: "vigilance orange", "orange warning", "aviso naranja".
SAID: Final[dict[Level, Words]] = {
    "green": ("verte", "green", "verde"),
    "yellow": ("jaune", "yellow", "amarillo"),
    "orange": ("orange", "orange", "naranja"),
    "red": ("rouge", "red", "rojo"),
}


def urgency(level: Level, *, later: bool) -> Urgency:
    """Nothing is urgent about green; what begins tomorrow has time."""
    if level == "green":
        return Urgency.PAST
    return Urgency.FUTURE if later else Urgency.EXPECTED
