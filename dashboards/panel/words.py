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

WORDS: Final[dict[str, dict[str, str]]] = {
    "fr": {
        "title": "Panneau « {panel} »", "now": "En ce moment", "none": "Aucun message.",
        "face_dark": "Face éteinte", "until": "jusqu’au {hour}", "held": "en attente",
        "revision": "révision {rev}", "faults": "Pannes", "wall": "Panneaux de {authority}",
        "night": "Face éteinte pour la nuit.",
        "no_light": "La face n’éclaire pas : rien n’est compté comme affiché.",
        "fallback": "Aucun affichage valable : le panneau attend la mairie.",
        "cmd": "Mire d’essai : rien n’est compté comme affiché.",
        "local": "Une personne travaille au panneau.",
        "empty": "Rien à afficher en ce moment.",
        "one": "1 message en cours.", "many": "{n} messages en cours.",
        "alert": "Alerte à l’écran : les autres messages attendent.",
        "asleep": "Endormi jusqu’au {hour}.",
        "up": "Relié au serveur.", "down": "Hors liaison : le panneau obéit à son heure.",
        "key": "Clé {key}.", "no_key": "Aucune clé encore reçue.",
        "plan": "Affichage n° {rev}.", "no_plan": "Aucun affichage reçu.",
        "unsure": "L’heure n’est pas sûre : seuls les messages sans date paraissent.",
        "mute": "Le jumeau ne répond pas : cette page montre le dernier état connu.",
        "page": "Page {n} sur {of}.", "language": "Langue", "picture": "Image de la face",
    },
    "en": {
        "title": "Panel “{panel}”", "now": "Right now", "none": "No message.",
        "face_dark": "Face dark", "until": "until {hour}", "held": "waiting",
        "revision": "revision {rev}", "faults": "Faults", "wall": "Panels of {authority}",
        "night": "Dark for the night.",
        "no_light": "The face gives no light: nothing counts as shown.",
        "fallback": "No valid plan: the panel waits for the town hall.",
        "cmd": "Test pattern: nothing counts as shown.",
        "local": "Somebody works at the panel.",
        "empty": "Nothing to show right now.",
        "one": "1 message in force.", "many": "{n} messages in force.",
        "alert": "An alert is shown: the other messages wait.",
        "asleep": "Asleep until {hour}.",
        "up": "Connected to the server.", "down": "No link: the panel keeps its own time.",
        "key": "Key {key}.", "no_key": "No key received yet.",
        "plan": "Plan no. {rev}.", "no_plan": "No plan received.",
        "unsure": "The time is not sure: only messages without a date are shown.",
        "mute": "The twin does not answer: this page shows the last known state.",
        "page": "Page {n} of {of}.", "language": "Language", "picture": "Picture of the face",
    },
    "es": {
        "title": "Panel «{panel}»", "now": "En este momento", "none": "Ningún mensaje.",
        "face_dark": "Pantalla apagada", "until": "hasta el {hour}", "held": "en espera",
        "revision": "revisión {rev}", "faults": "Averías", "wall": "Paneles de {authority}",
        "night": "Apagado por la noche.",
        "no_light": "La pantalla no da luz: nada cuenta como mostrado.",
        "fallback": "Ningún plan válido: el panel espera al ayuntamiento.",
        "cmd": "Imagen de prueba: nada cuenta como mostrado.",
        "local": "Alguien trabaja en el panel.",
        "empty": "Nada que mostrar en este momento.",
        "one": "1 mensaje vigente.", "many": "{n} mensajes vigentes.",
        "alert": "Se muestra una alerta: los demás mensajes esperan.",
        "asleep": "Dormido hasta el {hour}.",
        "up": "Conectado al servidor.", "down": "Sin enlace: el panel sigue su propia hora.",
        "key": "Clave {key}.", "no_key": "Aún no se ha recibido ninguna clave.",
        "plan": "Plan n.º {rev}.", "no_plan": "No se ha recibido ningún plan.",
        "unsure": "La hora no es segura: solo se muestran mensajes sin fecha.",
        "mute": "El gemelo no responde: esta página muestra el último estado conocido.",
        "page": "Página {n} de {of}.", "language": "Idioma", "picture": "Imagen de la pantalla",
    },
}  # fmt: skip
KINDS: Final = {
    "fr": {"alert": "Alerte", "closure": "Travaux, circulation", "info": "Information",
           "event": "Agenda", "reminder": "Rappel"},
    "en": {"alert": "Alert", "closure": "Works, traffic", "info": "Information",
           "event": "Events", "reminder": "Reminder"},
    "es": {"alert": "Alerta", "closure": "Obras, tráfico", "info": "Información",
           "event": "Agenda", "reminder": "Recordatorio"},
}  # fmt: skip


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
