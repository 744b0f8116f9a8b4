"""What the kinds of road traffic share: words for what happens on a road, its name and the town's
in a sentence."""

import re
from typing import Final

from connectors.wording import Words, pick

ACCIDENT: Final[Words] = ("Accident", "Accident", "Accidente")
ALTERNATING: Final[Words] = ("Circulation alternée", "Alternating traffic", "Tráfico alterno")
CLOSED: Final[Words] = ("Route fermée", "Road closed", "Carretera cortada")
DIVERSION: Final[Words] = ("Déviation", "Diversion", "Desvío")
EVENT: Final[Words] = ("Manifestation", "Public event", "Acto público")
FLOODED: Final[Words] = ("Route inondée", "Flooded road", "Carretera inundada")
FOG: Final[Words] = ("Brouillard", "Fog", "Niebla")
ICE: Final[Words] = ("Verglas", "Ice on the road", "Hielo en la carretera")
INFORMATION: Final[Words] = (
    "Information routière", "Road information", "Información de tráfico",
)  # fmt: skip
LANE_CLOSED: Final[Words] = ("Voie fermée", "Lane closed", "Carril cortado")
OBJECT: Final[Words] = ("Objet sur la route", "Object in the road", "Objeto en la carretera")
RESTRICTED: Final[Words] = ("Circulation réglementée", "Traffic restricted", "Tráfico regulado")
WORKS: Final[Words] = ("Travaux", "Roadworks", "Obras")

DAYS: Final[dict[str, Words]] = {
    "monday": ("lundi", "Monday", "lunes"), "tuesday": ("mardi", "Tuesday", "martes"),
    "wednesday": ("mercredi", "Wednesday", "miércoles"),
    "thursday": ("jeudi", "Thursday", "jueves"),
    "friday": ("vendredi", "Friday", "viernes"), "saturday": ("samedi", "Saturday", "sábado"),
    "sunday": ("dimanche", "Sunday", "domingo"),
}  # fmt: skip
_SPEED: Final[Words] = (
    "Vitesse limitée à {n:.0f} km/h.", "Speed limited to {n:.0f} km/h.",
    "Velocidad limitada a {n:.0f} km/h.",
)  # fmt: skip
_NUMBER: Final = re.compile(r"^([A-Z]{1,2})\s?0*(\d{1,4}[A-Z]?)$", re.I)


def speed(limit: object, language: str) -> str:
    """A limit in km/h as a sentence; nothing for what is no speed."""
    try:
        found = float(str(limit))
    except ValueError:
        return ""
    return pick(_SPEED, language).format(n=found) if 0 < found < 200 else ""


def road_name(said: str) -> str:
    """A4 for A0004, N94 for N0094; a street keeps its name."""
    found = _NUMBER.match(said.strip())
    return f"{found[1].upper()}{found[2]}" if found else said.strip()


def on_road(road: str, language: str) -> str:
    """ "sur l'A4", "sur la N94"; ": rue Haute" for what is no number."""
    if not road:
        return ""
    if not _NUMBER.match(road):
        return f" : {road}" if language == "fr" else f": {road}"
    if language == "fr":
        return f" sur l'{road}" if road[0] == "A" else f" sur la {road}"
    return f" on the {road}" if language == "en" else f" en la {road}"


def at_place(place: str, language: str) -> str:
    if not place:
        return ""
    if language == "fr":
        return f" au {place[3:]}" if place.startswith("Le ") else f" à {place}"
    return f" near {place}" if language == "en" else f" cerca de {place}"
