"""What the page of a panel says, in three languages."""

from datetime import datetime
from typing import Any, Final

from babel.dates import format_datetime

from hub import clock

ZONE: Final = "Europe/Paris"
LANGUAGES: Final = ("fr", "en", "es")
_HOUR: Final = {
    "fr": "EEE d MMM 'à' HH:mm",
    "en": "EEE d MMM 'at' HH:mm",
    "es": "EEE d MMM 'a las' HH:mm",
}

# Each in French, English and Spanish: the order of LANGUAGES.
_WORDS: Final = {
    "title": ("Panneau « {panel} »", "Panel “{panel}”", "Panel «{panel}»"),
    "now": ("En ce moment", "Right now", "En este momento"),
    "none": ("Aucun message.", "No message.", "Ningún mensaje."),
    "face_dark": ("Face éteinte", "Face dark", "Pantalla apagada"),
    "until": ("jusqu’au {hour}", "until {hour}", "hasta el {hour}"),
    "held": ("en attente", "waiting", "en espera"),
    "revision": ("révision {rev}", "revision {rev}", "revisión {rev}"),
    "wall": ("Panneaux de {authority}", "Panels of {authority}", "Paneles de {authority}"),
    "night": ("Face éteinte pour la nuit.", "Dark for the night.", "Apagado por la noche."),
    "no_light": (
        "La face n’éclaire pas : rien n’est compté comme affiché.",
        "The face gives no light: nothing counts as shown.",
        "La pantalla no da luz: nada cuenta como mostrado.",
    ),
    "fallback": (
        "Aucun affichage valable : le panneau attend la mairie.",
        "No valid plan: the panel waits for the town hall.",
        "Ningún plan válido: el panel espera al ayuntamiento.",
    ),
    "cmd": (
        "Mire d’essai : rien n’est compté comme affiché.",
        "Test pattern: nothing counts as shown.",
        "Imagen de prueba: nada cuenta como mostrado.",
    ),
    "local": (
        "Une personne travaille au panneau.",
        "Somebody works at the panel.",
        "Alguien trabaja en el panel.",
    ),
    "empty": (
        "Rien à afficher en ce moment.",
        "Nothing to show right now.",
        "Nada que mostrar en este momento.",
    ),
    "one": ("1 message en cours.", "1 message in force.", "1 mensaje vigente."),
    "many": ("{n} messages en cours.", "{n} messages in force.", "{n} mensajes vigentes."),
    "alert": (
        "Alerte à l’écran : les autres messages attendent.",
        "An alert is shown: the other messages wait.",
        "Se muestra una alerta: los demás mensajes esperan.",
    ),
    "asleep": ("Endormi jusqu’au {hour}.", "Asleep until {hour}.", "Dormido hasta el {hour}."),
    "up": ("Relié au serveur.", "Connected to the server.", "Conectado al servidor."),
    "down": (
        "Hors liaison : le panneau obéit à son heure.",
        "No link: the panel keeps its own time.",
        "Sin enlace: el panel sigue su propia hora.",
    ),
    "key": ("Clé {key}.", "Key {key}.", "Clave {key}."),
    "no_key": (
        "Aucune clé encore reçue.",
        "No key received yet.",
        "Aún no se ha recibido ninguna clave.",
    ),
    "plan": ("Affichage n° {rev}.", "Plan no. {rev}.", "Plan n.º {rev}."),
    "no_plan": ("Aucun affichage reçu.", "No plan received.", "No se ha recibido ningún plan."),
    "unsure": (
        "L’heure n’est pas sûre : seuls les messages sans date paraissent.",
        "The time is not sure: only messages without a date are shown.",
        "La hora no es segura: solo se muestran mensajes sin fecha.",
    ),
    "mute": (
        "Le jumeau ne répond pas : cette page montre le dernier état connu.",
        "The twin does not answer: this page shows the last known state.",
        "El gemelo no responde: esta página muestra el último estado conocido.",
    ),
    "page": ("Page {n} sur {of}.", "Page {n} of {of}.", "Página {n} de {of}."),
    "language": ("Langue", "Language", "Idioma"),
    "picture": ("Image de la face", "Picture of the face", "Imagen de la pantalla"),
}
_KINDS: Final = {
    "alert": ("Alerte", "Alert", "Alerta"),
    "closure": ("Travaux, circulation", "Works, traffic", "Obras, tráfico"),
    "info": ("Information", "Information", "Información"),
    "event": ("Agenda", "Events", "Agenda"),
    "reminder": ("Rappel", "Reminder", "Recordatorio"),
}


def _by_language(table: dict[str, tuple[str, str, str]]) -> dict[str, dict[str, str]]:
    return {
        tongue: {key: texts[place] for key, texts in table.items()}
        for place, tongue in enumerate(LANGUAGES)
    }


WORDS: Final = _by_language(_WORDS)
KINDS: Final = _by_language(_KINDS)


def language(asked: str, accepted: str) -> str:
    """`asked` (?lang=) if we speak it, else the first of an Accept-Language header, else French."""
    for tag in (asked, *accepted.split(",")):
        base = tag.strip().partition(";")[0].partition("-")[0].lower()
        if base in LANGUAGES:
            return base
    return LANGUAGES[0]


def says(state: dict[str, Any], tongue: str = "fr") -> dict[str, str]:
    """The state of a twin in sentences."""
    words = WORDS[tongue]
    page = state["page"]
    number = len(state["items"])
    if state["source"] in ("local", "cmd"):
        doing = words[state["source"]]
    elif state["dark"]:
        doing = words["night"]
    elif state["face_dark"]:
        doing = words["no_light"]
    elif not state["clock_sure"]:
        doing = words["unsure"]
    elif state["source"] == "fallback":
        doing = words["fallback"]
    elif alerting(state):
        doing = words["alert"]
    elif not number:
        doing = words["empty"]
    else:
        doing = words["one"] if number == 1 else words["many"].format(n=number)
    if state["asleep_until"]:
        link = words["asleep"].format(hour=hour(state["asleep_until"], tongue))
    else:
        link = words["up"] if state["online"] else words["down"]
    return {
        "doing": doing,
        "link": link,
        "key": words["key"].format(key=state["key"]) if state["key"] else words["no_key"],
        "plan": words["plan"].format(rev=state["plan_rev"])
        if state["plan_rev"] else words["no_plan"],
        "page": words["page"].format(n=page["index"] + 1, of=page["of"]) if page else "",
        "alt": " / ".join(state["lines"]) or words["face_dark"],
    }  # fmt: skip


def alerting(state: dict[str, Any]) -> bool:
    """Whether an alert is what the face shows."""
    shown = state["page"]["item"] if state["page"] else None
    return any(item["kind"] == "alert" and item["item"] == shown for item in state["items"])


def hour(text: str | None, tongue: str = "fr") -> str:
    """`mar. 3 mars à 11:00` in the zone of our towns, from RFC 3339."""
    if not text:
        return ""
    local = clock.local(datetime.fromisoformat(text), ZONE)
    return str(format_datetime(local, _HOUR[tongue], locale=tongue))
