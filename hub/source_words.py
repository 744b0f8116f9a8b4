"""Why intake, the sandbox and polling did what they did with a source, in a sentence."""

from typing import Any, Final

_LANGUAGES: Final = ("fr", "en", "es")

SENTENCES: Final[dict[str, tuple[str, str, str]]] = {
    # --- sandbox ---
    "parse-too-long": (
        "La lecture du contenu a pris plus de {seconds} s et a été arrêtée.",
        "Reading the content took more than {seconds} s and was stopped.",
        "La lectura del contenido tardó más de {seconds} s y se detuvo.",
    ),
    "parse-too-heavy": (
        "Le contenu demande trop de mémoire pour être lu.",
        "The content needs too much memory to be read.",
        "El contenido necesita demasiada memoria para leerse.",
    ),
    "parse-failed": (
        "Le contenu n'a pas pu être lu ; ce qui était connu est gardé.",
        "The content could not be read; what was known is kept.",
        "No se ha podido leer el contenido; se conserva lo conocido.",
    ),
    # --- intake ---
    "test": (
        "C'est un essai ou un exercice de la source : jamais publié.",
        "It is a test or an exercise of the source: never published.",
        "Es una prueba o un ejercicio de la fuente: nunca se publica.",
    ),
    "green": (
        "Niveau vert : rien à signaler.",
        "Green: nothing to report.",
        "Nivel verde: nada que señalar.",
    ),
    "back-to-green": (
        "Retour au vert : fin d'alerte.",
        "Back to green: all clear.",
        "Vuelta al verde: fin de la alerta.",
    ),
    "elsewhere": (
        "Ne concerne pas le territoire de la collectivité.",
        "Does not concern the authority's territory.",
        "No afecta al territorio de la entidad.",
    ),
    "away": (
        "Hors du territoire de la collectivité, à {km} km.",
        "Outside of the authority's territory, {km} km away.",
        "Fuera del territorio de la entidad, a {km} km.",
    ),
    "all-in-agenda": (
        "{count} événements sont arrivés d'un coup : ils sont dans l'agenda, aucun n'est annoncé.",
        "{count} events came at once: they are in the agenda, none of them is announced.",
        "{count} eventos llegaron a la vez: están en la agenda, ninguno se anuncia.",
    ),
    "same-as": (
        "Le même événement vient aussi de « {source} » : une seule annonce.",
        "The same event also comes from “{source}”: one notice only.",
        "El mismo evento viene también de «{source}»: un solo anuncio.",
    ),
    "joined": (
        "{count} étaient déjà annoncées par une autre source.",
        "{count} were announced by another source already.",
        "{count} ya estaban anunciadas por otra fuente.",
    ),
    "cancelled-there": (
        "Le même événement est annulé selon « {source} ».",
        "The same event is cancelled according to “{source}”.",
        "El mismo evento está anulado según «{source}».",
    ),
    "taken-over": (
        "« {source} » ne l'annonce plus ; cette source prend le relais.",
        "“{source}” no longer has it; this source goes on with it.",
        "«{source}» ya no lo anuncia; esta fuente toma el relevo.",
    ),
    "past": ("C'est terminé.", "It is over.", "Ya ha terminado."),
    "old": (
        "L'entrée date de plus de {days} jours.",
        "The entry is more than {days} days old.",
        "La entrada tiene más de {days} días.",
    ),
    "ended-before-read": (
        "La source l'avait annulée ou remplacée avant sa lecture.",
        "The source had cancelled or replaced it before it was read.",
        "La fuente la había anulado o sustituido antes de leerla.",
    ),
    "cancelled": (
        "Annulée par la source.",
        "Cancelled by the source.",
        "Anulada por la fuente.",
    ),
    "replaced": (
        "Remplacée par {by}.",
        "Replaced by {by}.",
        "Sustituida por {by}.",
    ),
    "gone": (
        "Absente de la source depuis deux lectures.",
        "Absent from the source for two readings.",
        "Ausente de la fuente desde hace dos lecturas.",
    ),
    "all-at-once": (
        "{count} entrées seraient parties d'un coup ; elles attendent en brouillon.",
        "{count} entries would have gone out at once; they wait as drafts.",
        "{count} entradas habrían salido a la vez; esperan como borradores.",
    ),
    "held": (
        "Une règle demande une approbation : {why}",
        "A rule asks for an approval: {why}",
        "Una regla pide una aprobación: {why}",
    ),
    "refused": (
        "L'entrée n'a pas pu être reprise : {why}",
        "The entry could not be taken up: {why}",
        "La entrada no se ha podido retomar: {why}",
    ),
    "edited-here": (
        "La source a changé cette entrée, mais une personne a repris le texte ici.",
        "The source changed this entry, but a person has rewritten the text here.",
        "La fuente ha cambiado esta entrada, pero una persona ha reescrito el texto aquí.",
    ),
    "update-waits": (
        "La source a changé cette entrée ; la nouvelle version attend une relecture.",
        "The source changed this entry; the new version waits for review.",
        "La fuente ha cambiado esta entrada; la nueva versión espera una revisión.",
    ),
    "ended-here": (
        "Terminée ici par une personne ; la source ne la fait pas revenir.",
        "Ended here by a person; the source does not bring it back.",
        "Terminada aquí por una persona; la fuente no la hace volver.",
    ),
    "no-kind": (
        "Cette adresse ne donne aucun flux que Tambour sache lire. Cherchez l'adresse du flux "
        "lui-même, souvent sous « S'abonner », « RSS », « iCal » ou « Données ouvertes ».",
        "This address gives no feed that Tambour can read. Look for the address of the feed "
        "itself, often under “Subscribe”, “RSS”, “iCal” or “Open data”.",
        "Esta dirección no da ningún canal que Tambour sepa leer. Busque la dirección del propio "
        "canal, a menudo en «Suscribirse», «RSS», «iCal» o «Datos abiertos».",
    ),
    # --- polling ---
    "bad-options": (
        "Les réglages de la source sont incomplets ({fields}).",
        "The settings of the source are incomplete ({fields}).",
        "Los ajustes de la fuente están incompletos ({fields}).",
    ),
    "unexpected": (
        "La lecture a échoué pour une raison interne ; un nouvel essai aura lieu.",
        "Reading failed for an internal reason; it will be tried again.",
        "La lectura falló por un motivo interno; se volverá a intentar.",
    ),
    "busy": (
        "La source est déjà en cours de lecture.",
        "The source is being read already.",
        "La fuente ya se está leyendo.",
    ),
    "host-waits": (
        "Le site a demandé d'attendre ; la lecture aura lieu plus tard.",
        "The site asked to wait; it will be read later.",
        "El sitio ha pedido esperar; se leerá más tarde.",
    ),
    "paused": (
        "La source est en pause.",
        "The source is paused.",
        "La fuente está en pausa.",
    ),
    "unchanged": (
        "Rien de nouveau.",
        "Nothing new.",
        "Nada nuevo.",
    ),
    "read": (
        "{items} entrées lues : {published} publiées, {drafted} en brouillon, {listed} dans "
        "l'agenda, {updated} mises à jour, {closed} closes, {ignored} laissées de côté, {errors} "
        "en erreur.",
        "{items} entries read: {published} published, {drafted} drafted, {listed} in the agenda, "
        "{updated} updated, {closed} closed, {ignored} left aside, {errors} in error.",
        "{items} entradas leídas: {published} publicadas, {drafted} en borrador, {listed} en la "
        "agenda, {updated} actualizadas, {closed} cerradas, {ignored} descartadas, {errors} con "
        "error.",
    ),
}


def say(key: str, language: str = "fr", **values: Any) -> str:
    """The sentence of `key`; French for a language we do not write."""
    at = _LANGUAGES.index(language) if language in _LANGUAGES else 0
    return SENTENCES[key][at].format(**values)
