"""The sentences of this kind for people, in three languages: refusals, warnings, marks."""

from typing import Final

from hub.vocabulary import Status

MARKS: Final = {
    "fr": {Status.EXERCISE: "EXERCICE", Status.TEST: "ESSAI"},
    "en": {Status.EXERCISE: "EXERCISE", Status.TEST: "TEST"},
    "es": {Status.EXERCISE: "EJERCICIO", Status.TEST: "PRUEBA"},
}

_SENTENCES: Final = {
    "fr": {
        "word": "« {word} » compte {n} caractères et une ligne du panneau en a {width} : "
        "un mot n'est jamais coupé.",
        "word_fix": "Un mot plus court, ou un texte court (champ « short ») sans ce mot.",
        "pages": "Le texte demande {n} lignes ; le panneau en offre {room} ({pages} pages de "
        "{lines} lignes de {width} caractères).",
        "pages_fix": "Retirez environ {over} caractères, ou donnez un texte court "
        "(champ « short »).",
        "glyph": "Le panneau n'a pas de signe pour {letters}.",
        "glyph_fix": "Écrivez sans ce signe.",
        "empty": "Il n'y a rien à afficher.",
        "empty_fix": "Donnez un titre.",
        "items": "Le panneau porte au plus {n} messages et ceux qui restent sont plus pressants.",
        "items_fix": "Attendez la fin d'un message, ou retirez-en un.",
        "bytes": "L'affichage complet dépasserait {n} octets, ce que le panneau peut recevoir.",
        "bytes_fix": "Retirez un message de ce panneau ou raccourcissez celui-ci.",
        "no_instruction": "La consigne n'est pas affichée : elle ne tient pas.",
        "no_language": "Le texte en « {language} » ne tient pas et n'est pas affiché.",
        "abbreviated": "Des mots sont abrégés.",
    },
    "en": {
        "word": '"{word}" has {n} characters and a line of the panel has {width}: '
        "a word is never cut.",
        "word_fix": 'A shorter word, or a short text (field "short") without it.',
        "pages": "The text needs {n} lines; the panel offers {room} ({pages} pages of "
        "{lines} lines of {width} characters).",
        "pages_fix": 'Remove about {over} characters, or give a short text (field "short").',
        "glyph": "The panel has no sign for {letters}.",
        "glyph_fix": "Write without it.",
        "empty": "There is nothing to show.",
        "empty_fix": "Give a headline.",
        "items": "The panel carries at most {n} messages and the others are more pressing.",
        "items_fix": "Wait for one to end, or withdraw one.",
        "bytes": "The whole display would exceed {n} bytes, which is what the panel can receive.",
        "bytes_fix": "Withdraw a message from this panel or shorten this one.",
        "no_instruction": "The instruction is not shown: it does not fit.",
        "no_language": 'The text in "{language}" does not fit and is not shown.',
        "abbreviated": "Some words are abbreviated.",
    },
    "es": {
        "word": "«{word}» tiene {n} caracteres y una línea del panel tiene {width}: "
        "una palabra nunca se corta.",
        "word_fix": "Una palabra más corta, o un texto corto (campo «short») sin ella.",
        "pages": "El texto pide {n} líneas; el panel ofrece {room} ({pages} páginas de "
        "{lines} líneas de {width} caracteres).",
        "pages_fix": "Quite unos {over} caracteres, o dé un texto corto (campo «short»).",
        "glyph": "El panel no tiene signo para {letters}.",
        "glyph_fix": "Escriba sin ese signo.",
        "empty": "No hay nada que mostrar.",
        "empty_fix": "Dé un título.",
        "items": "El panel lleva como máximo {n} mensajes y los demás son más urgentes.",
        "items_fix": "Espere a que termine uno, o retire uno.",
        "bytes": "El conjunto superaría {n} bytes, lo que el panel puede recibir.",
        "bytes_fix": "Retire un mensaje de este panel o acorte este.",
        "no_instruction": "La instrucción no se muestra: no cabe.",
        "no_language": "El texto en «{language}» no cabe y no se muestra.",
        "abbreviated": "Hay palabras abreviadas.",
    },
}


def say(name: str, locale: str, **values: object) -> str:
    """The sentence `name` in `locale`, French where we do not speak it."""
    return _SENTENCES[tongue(locale)][name].format(**values)


def tongue(locale: str) -> str:
    """The language of ours nearest to a BCP 47 tag."""
    base = locale.partition("-")[0].lower()
    return base if base in _SENTENCES else "fr"
