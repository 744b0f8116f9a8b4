"""What goes wrong with a source, said to a press officer: what happened, and what was kept or what
to do. One row a reason, in French, English and Spanish."""

from typing import Any, Final

from connectors.wording import LANGUAGES, Words, pick

REASONS: Final[dict[str, Words]] = {
    # --- fetching ---
    "address-refused": (
        "L'adresse {host} mène à cette machine ou à un réseau privé ; elle n'a pas été appelée.",
        "The address {host} leads to this machine or a private network; it was not called.",
        "La dirección {host} lleva a esta máquina o a una red privada; no se ha llamado.",
    ),
    "address-malformed": (
        "L'adresse n'est pas utilisable ({detail}). Corrigez l'adresse de la source.",
        "The address cannot be used ({detail}). Correct the address of the source.",
        "La dirección no es utilizable ({detail}). Corrija la dirección de la fuente.",
    ),
    "downgrade": (
        "Le site renvoie d'une adresse chiffrée (https) vers une adresse en clair ; "
        "le renvoi n'a pas été suivi.",
        "The site redirects from an encrypted address (https) to a plain one; "
        "the redirect was not followed.",
        "El sitio redirige de una dirección cifrada (https) a una sin cifrar; no se ha seguido.",
    ),
    "too-many-redirects": (
        "Le site renvoie sans cesse vers une autre adresse (plus de {count} fois).",
        "The site keeps redirecting to another address (more than {count} times).",
        "El sitio redirige sin cesar a otra dirección (más de {count} veces).",
    ),
    "redirect-without-target": (
        "Le site renvoie ailleurs sans dire où (code {status}).",
        "The site redirects without saying where (status {status}).",
        "El sitio redirige sin decir adónde (código {status}).",
    ),
    "unknown-host": (
        "Le site {host} est introuvable. Vérifiez l'adresse ; un nouvel essai aura lieu.",
        "The site {host} cannot be found. Check the address; it will be tried again.",
        "No se encuentra el sitio {host}. Compruebe la dirección; se volverá a intentar.",
    ),
    "no-connection": (
        "Le site {host} ne répond pas. Un nouvel essai aura lieu.",
        "The site {host} does not answer. It will be tried again.",
        "El sitio {host} no responde. Se volverá a intentar.",
    ),
    "proxy": (
        "Le serveur mandataire (proxy) n'a pas joint {host}. Un nouvel essai aura lieu.",
        "The proxy did not reach {host}. It will be tried again.",
        "El servidor proxy no ha podido conectar con {host}. Se volverá a intentar.",
    ),
    "too-slow": (
        "Le site {host} a répondu trop lentement ; la lecture a été arrêtée après {seconds} s.",
        "The site {host} answered too slowly; reading stopped after {seconds} s.",
        "El sitio {host} respondió demasiado despacio; la lectura se detuvo tras {seconds} s.",
    ),
    "too-big": (
        "Le contenu dépasse {megabytes} Mo ; il n'a pas été lu.",
        "The content is larger than {megabytes} MB; it was not read.",
        "El contenido supera {megabytes} MB; no se ha leído.",
    ),
    "cut-off": (
        "La réponse de {host} a été coupée avant la fin ; rien n'a été changé.",
        "The answer of {host} was cut off; nothing was changed.",
        "La respuesta de {host} se cortó antes del final; no se ha cambiado nada.",
    ),
    "certificate": (
        "Le certificat de {host} n'est pas valable ; la connexion a été refusée.",
        "The certificate of {host} is not valid; the connection was refused.",
        "El certificado de {host} no es válido; se ha rechazado la conexión.",
    ),
    "bad-encoding": (
        "La réponse de {host} est mal compressée et n'a pas pu être lue.",
        "The answer of {host} is badly compressed and could not be read.",
        "La respuesta de {host} está mal comprimida y no se ha podido leer.",
    ),
    "empty": (
        "Le site {host} a répondu sans rien envoyer ; rien n'a été changé.",
        "The site {host} answered without content; nothing was changed.",
        "El sitio {host} respondió sin contenido; no se ha cambiado nada.",
    ),
    "not-found": (
        "Il n'y a plus rien à cette adresse (code {status}). Demandez la nouvelle à {host}.",
        "There is nothing at this address any more (status {status}). Ask {host} for the new one.",
        "Ya no hay nada en esta dirección (código {status}). Pida la nueva a {host}.",
    ),
    "forbidden": (
        "Le site {host} refuse l'accès (code {status}).",
        "The site {host} refuses access (status {status}).",
        "El sitio {host} deniega el acceso (código {status}).",
    ),
    "too-many-requests": (
        "Le site {host} demande d'attendre avant la prochaine lecture.",
        "The site {host} asks to wait before the next reading.",
        "El sitio {host} pide esperar antes de la próxima lectura.",
    ),
    "server-error": (
        "Le site {host} est en panne (code {status}). Un nouvel essai aura lieu.",
        "The site {host} is in trouble (status {status}). It will be tried again.",
        "El sitio {host} tiene una avería (código {status}). Se volverá a intentar.",
    ),
    "unexpected-status": (
        "Le site {host} a donné une réponse inattendue (code {status}).",
        "The site {host} gave an unexpected answer (status {status}).",
        "El sitio {host} dio una respuesta inesperada (código {status}).",
    ),
    "no-calendar": (
        "Aucun agenda n'a été trouvé à cette adresse. Vérifiez l'adresse et le nom de l'agenda.",
        "No calendar was found at this address. Check the address and the calendar's name.",
        "No se ha encontrado ninguna agenda en esta dirección. Compruebe la dirección y el nombre.",
    ),
    "elsewhere": (
        "Le serveur renvoie vers un autre ({host}), qui n'a pas été appelé. "
        "Donnez l'adresse de l'agenda lui-même.",
        "The server points to another one ({host}), which was not called. "
        "Give the address of the calendar itself.",
        "El servidor remite a otro ({host}), al que no se ha llamado. "
        "Indique la dirección de la propia agenda.",
    ),
    # --- whole files ---
    "web-page": (
        "Cette adresse donne une page web, pas {what}. Cherchez l'adresse du flux lui-même.",
        "This address gives a web page, not {what}. Look for the address of the feed itself.",
        "Esta dirección da una página web, no {what}. Busque la dirección del propio canal.",
    ),
    "other-file": (
        "Le contenu n'est pas {what}.",
        "The content is not {what}.",
        "El contenido no es {what}.",
    ),
    "truncated": (
        "Le fichier s'arrête avant sa fin ; ce qui était connu est gardé.",
        "The file stops before its end; what was known is kept.",
        "El archivo se detiene antes del final; se conserva lo conocido.",
    ),
    "malformed": (
        "Le fichier est mal formé ({detail}) ; ce qui était connu est gardé.",
        "The file is malformed ({detail}); what was known is kept.",
        "El archivo está mal formado ({detail}); se conserva lo conocido.",
    ),
    "entities": (
        "Le fichier déclare des entités XML ; par sécurité il n'est pas lu.",
        "The file declares XML entities; for safety it is not read.",
        "El archivo declara entidades XML; por seguridad no se lee.",
    ),
    # --- entries ---
    "no-start": (
        "L'événement n'a pas de date de début lisible.",
        "The event has no readable start.",
        "El evento no tiene un inicio legible.",
    ),
    "too-frequent": (
        "La répétition {rule} est trop fréquente pour un agenda ; l'événement est écarté.",
        "The repetition {rule} is too frequent for an agenda; the event is left out.",
        "La repetición {rule} es demasiado frecuente para una agenda; el evento se descarta.",
    ),
    "bad-rule": (
        "La règle de répétition n'est pas lisible ({rule}) ; l'événement est écarté.",
        "The repetition rule cannot be read ({rule}); the event is left out.",
        "La regla de repetición no es legible ({rule}); el evento se descarta.",
    ),
    "bad-exclusion": (
        "Une date d'exclusion n'est pas lisible ; les autres dates sont gardées.",
        "An excluded date cannot be read; the other dates are kept.",
        "Una fecha de exclusión no es legible; se conservan las demás.",
    ),
    "bad-series": (
        "Les dates de l'événement n'ont pas pu être calculées.",
        "The dates of the event could not be computed.",
        "No se han podido calcular las fechas del evento.",
    ),
    "unclosed": (
        "L'entrée commence et ne finit pas (END:VEVENT manque) ; elle est écartée.",
        "The entry begins and does not end (END:VEVENT is missing); it is left out.",
        "La entrada empieza y no termina (falta END:VEVENT); se descarta.",
    ),
    "strange-zone": (
        "Ce fuseau horaire n'est pas connu ; ses heures sont lues comme celles de {zone}.",
        "This time zone is not known; its hours are read as those of {zone}.",
        "No se conoce este huso horario; sus horas se leen como las de {zone}.",
    ),
    "too-long": (
        "Le calcul des dates de cette répétition n'en finit pas ; l'événement est écarté.",
        "Computing the dates of this repetition does not come to an end; the event is left out.",
        "El cálculo de las fechas de esta repetición no termina; el evento se descarta.",
    ),
    "at-line": ("{said} (ligne {line})", "{said} (line {line})", "{said} (línea {line})"),
    "long-series": (
        "La série compte plus de {count} dates ; seules les premières sont gardées.",
        "The series has more than {count} dates; only the first are kept.",
        "La serie tiene más de {count} fechas; solo se conservan las primeras.",
    ),
    "long-file": (
        "Le fichier compte plus de {count} dates à venir ; seules les premières sont gardées.",
        "The file has more than {count} dates to come; only the first are kept.",
        "El archivo tiene más de {count} fechas futuras; solo se conservan las primeras.",
    ),
    "twice": (
        "Le même identifiant sert deux fois ; seule la version la plus récente est gardée.",
        "The same identifier is used twice; only the latest version is kept.",
        "El mismo identificador aparece dos veces; solo se conserva la versión más reciente.",
    ),
    "not-public": (
        "L'entrée n'est pas publique ({what}) ; elle est écartée.",
        "The entry is not public ({what}); it is left out.",
        "La entrada no es pública ({what}); se descarta.",
    ),
    "nothing-said": (
        "L'entrée n'a ni titre ni texte.",
        "The entry has neither title nor text.",
        "La entrada no tiene título ni texto.",
    ),
    "element-missing": (
        "L'élément {element} manque.",
        "The element {element} is missing.",
        "Falta el elemento {element}.",
    ),
    "element-wrong": (
        "L'élément {element} a une valeur inconnue : {value}.",
        "The element {element} has an unknown value: {value}.",
        "El elemento {element} tiene un valor desconocido: {value}.",
    ),
    "not-an-alert": (
        "Le message est un accusé de réception ou une erreur ({what}), pas une alerte.",
        "The message is an acknowledgement or an error ({what}), not an alert.",
        "El mensaje es un acuse de recibo o un error ({what}), no una alerta.",
    ),
    "no-reference": (
        "L'annulation ne dit pas ce qu'elle annule.",
        "The cancellation does not say what it cancels.",
        "La anulación no dice qué anula.",
    ),
    "long-feed": (
        "Le fichier compte {count} entrées ; seules les {kept} premières sont lues.",
        "The file has {count} entries; only the first {kept} are read.",
        "El archivo tiene {count} entradas; solo se leen las {kept} primeras.",
    ),
    "no-entries": (
        "Le fichier ne contient pas la liste attendue ({element}).",
        "The file does not hold the expected list ({element}).",
        "El archivo no contiene la lista esperada ({element}).",
    ),
    "not-an-object": (
        "L'entrée n'est pas lisible.",
        "The entry cannot be read.",
        "La entrada no es legible.",
    ),
    "place-wrong": (
        "Le lieu n'est pas lisible ; l'entrée est gardée sans lui.",
        "The place cannot be read; the entry is kept without it.",
        "El lugar no es legible; la entrada se conserva sin él.",
    ),
    "time-wrong": (
        "L'heure {element} n'est pas lisible ({value}) ; l'entrée est gardée sans elle.",
        "The time {element} cannot be read ({value}); the entry is kept without it.",
        "La hora {element} no es legible ({value}); la entrada se conserva sin ella.",
    ),
    "suspended": (
        "La mesure est suspendue pour le moment ; elle n'est pas reprise.",
        "The measure is suspended for now; it is not taken over.",
        "La medida está suspendida por ahora; no se recoge.",
    ),
}

WHAT: Final[dict[str, Words]] = {
    "agenda": ("un agenda iCalendar", "an iCalendar agenda", "una agenda iCalendar"),
    "feed": ("un flux RSS ou Atom", "an RSS or Atom feed", "un canal RSS o Atom"),
    "alert": ("une alerte CAP", "a CAP alert", "una alerta CAP"),
    "caldav": ("un agenda CalDAV", "a CalDAV calendar", "una agenda CalDAV"),
    "vigilance": (
        "un bulletin de Vigilance Météo-France",
        "a Météo-France Vigilance bulletin",
        "un boletín Vigilance de Météo-France",
    ),
    "vigicrues": ("un bulletin Vigicrues", "a Vigicrues bulletin", "un boletín Vigicrues"),
    "datex": (
        "une publication DATEX II de situations",
        "a DATEX II publication of situations",
        "una publicación DATEX II de situaciones",
    ),
    "wzdx": ("un flux WZDx de chantiers", "a WZDx work zone feed", "un canal WZDx de obras"),
    "cifs": ("un flux CIFS d'incidents", "a CIFS feed of incidents", "un canal CIFS de incidentes"),
    "gtfs_rt": (
        "un flux GTFS-Realtime",
        "a GTFS-Realtime feed",
        "un canal GTFS-Realtime",
    ),
    "openagenda": (
        "un agenda OpenAgenda",
        "an OpenAgenda agenda",
        "una agenda de OpenAgenda",
    ),
}
UNTITLED: Final = {"fr": "Sans titre", "en": "Untitled", "es": "Sin título"}


def say(code: str, language: str = "fr", **values: Any) -> str:
    """The sentence of `code` in `language`, French for a language we do not write."""
    spoken = language if language in LANGUAGES else "fr"
    if values.get("what") in WHAT:
        values["what"] = pick(WHAT[values["what"]], spoken)
    return pick(REASONS[code], spoken).format(**values)
