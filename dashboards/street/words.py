"""The street's own words, in French, English and Spanish."""

from typing import Final

WORDS: Final[dict[str, dict[str, str]]] = {
    "fr": {
        "title": "La rue",
        "outside": "le monde du dehors",
        "intro": "Ce que les opérateurs et les réseaux ont reçu, tel que les habitants le lisent. "
        "Rien ne quitte cette machine.",
        "phones": "Téléphones",
        "timeline": "Réseau social",
        "no_sms": "Aucun SMS reçu pour l'instant. Publiez une annonce qui passe par la liste SMS.",
        "no_post": "Aucun message publié pour l'instant.",
        "live": "En direct",
        "off": "Connexion interrompue, nouvel essai en cours. La page garde ce qu'elle montrait.",
        "letters": "{n} caractères",
        "edited": "Modifié à {time}",
        "before": "Version précédente",
        "deleted": "Supprimé à {time}",
        "unlisted": "Non listé",
        "private": "Abonnés",
        "messages": "{n} SMS",
        "reload": "Cette page se met à jour toute seule. Sans script, rechargez-la.",
    },
    "en": {
        "title": "The street",
        "outside": "the outside world",
        "intro": "What operators and networks received, as people read it. "
        "Nothing leaves this machine.",
        "phones": "Telephones",
        "timeline": "Social network",
        "no_sms": "No SMS yet. Publish a notice that goes to the SMS list.",
        "no_post": "No post yet.",
        "live": "Live",
        "off": "Connection lost, trying again. The page keeps what it showed.",
        "letters": "{n} characters",
        "edited": "Edited at {time}",
        "before": "Earlier version",
        "deleted": "Deleted at {time}",
        "unlisted": "Unlisted",
        "private": "Followers",
        "messages": "{n} SMS",
        "reload": "This page updates by itself. Without scripts, reload it.",
    },
    "es": {
        "title": "La calle",
        "outside": "el mundo de afuera",
        "intro": "Lo que recibieron los operadores y las redes, tal como lo leen los vecinos. "
        "Nada sale de esta máquina.",
        "phones": "Teléfonos",
        "timeline": "Red social",
        "no_sms": "Todavía no hay SMS. Publique un aviso que pase por la lista de SMS.",
        "no_post": "Todavía no hay mensajes publicados.",
        "live": "En directo",
        "off": "Conexión interrumpida, se vuelve a intentar. La página conserva lo que mostraba.",
        "letters": "{n} caracteres",
        "edited": "Modificado a las {time}",
        "before": "Versión anterior",
        "deleted": "Eliminado a las {time}",
        "unlisted": "No listado",
        "private": "Seguidores",
        "messages": "{n} SMS",
        "reload": "Esta página se actualiza sola. Sin scripts, vuelva a cargarla.",
    },
}


def language_of(accept: str) -> str:
    """The first of our languages that an Accept-Language header names; French otherwise."""
    for wanted in accept.split(","):
        base = wanted.partition(";")[0].strip().partition("-")[0].lower()
        if base in WORDS:
            return base
    return "fr"
