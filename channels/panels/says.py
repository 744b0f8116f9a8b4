"""The sentences of this kind for people, in three languages: refusals, warnings, marks."""

from typing import Final

from hub.vocabulary import Status

MARKS: Final = {
    "fr": {Status.EXERCISE: "EXERCICE", Status.TEST: "ESSAI"},
    "en": {Status.EXERCISE: "EXERCISE", Status.TEST: "TEST"},
    "es": {Status.EXERCISE: "EJERCICIO", Status.TEST: "PRUEBA"},
}

_FIELDS: Final = {
    "fr": {
        "headline": "le titre", "short": "le texte court", "area_desc": "le lieu",
        "instruction": "la consigne", "expires": "la date",
    },
    "en": {
        "headline": "the headline", "short": "the short text", "area_desc": "the place",
        "instruction": "the instruction", "expires": "the time",
    },
    "es": {
        "headline": "el título", "short": "el texto corto", "area_desc": "el lugar",
        "instruction": "la instrucción", "expires": "la fecha",
    },
}  # fmt: skip

_SENTENCES: Final = {
    "fr": {
        "word": "« {word} » ({field}) compte {n} caractères et une ligne du panneau en a {width} : "
        "un mot n'est jamais coupé.",
        "word_dots": "« {word} » ({field}) est plus large que les {dots} points du panneau : "
        "un mot n'est jamais coupé.",
        "word_fix": "Un mot plus court, ou un texte court (champ « short ») sans ce mot.",
        "long": "Tout ne tient pas en {pages} pages sur « {title} » : {field} compte {n} "
        "caractères. Le lieu, la date et la consigne ne sont jamais omis.",
        "long_fix": "Il tient si {field} compte au plus {room} caractères environ.",
        "much": "Tout ne tient pas en {pages} pages sur « {title} », même sans {field}. "
        "Le lieu, la date et la consigne ne sont jamais omis.",
        "much_fix": "Raccourcissez le titre, le lieu et la consigne.",
        "glyph": "Le panneau n'a pas de signe pour {letters}.",
        "glyph_fix": "Écrivez sans ce signe.",
        "rtl": "Le texte s'écrit de droite à gauche : le panneau ne sait pas l'afficher.",
        "rtl_fix": "Donnez le texte dans une écriture de gauche à droite.",
        "empty": "Il n'y a rien à afficher.",
        "empty_fix": "Donnez un titre.",
        "items": "Le panneau porte au plus {n} messages et ceux qui restent sont plus pressants.",
        "items_fix": "Attendez la fin d'un message, ou retirez-en un.",
        "bytes": "L'affichage complet dépasserait {n} octets, ce que le panneau peut recevoir.",
        "bytes_fix": "Retirez un message de ce panneau ou raccourcissez celui-ci.",
        "no_language": "Le texte en « {language} » ne tient pas et n'est pas affiché.",
        "abbreviated": "Des mots sont abrégés.",
    },
    "en": {
        "word": '"{word}" ({field}) has {n} characters and a line of the panel has {width}: '
        "a word is never cut.",
        "word_dots": '"{word}" ({field}) is wider than the {dots} dots of the panel: '
        "a word is never cut.",
        "word_fix": 'A shorter word, or a short text (field "short") without it.',
        "long": 'Not everything fits on {pages} pages of "{title}": {field} has {n} characters. '
        "The place, the time and the instruction are never left out.",
        "long_fix": "It fits if {field} has about {room} characters at most.",
        "much": 'Not everything fits on {pages} pages of "{title}", even without {field}. '
        "The place, the time and the instruction are never left out.",
        "much_fix": "Shorten the headline, the place and the instruction.",
        "glyph": "The panel has no sign for {letters}.",
        "glyph_fix": "Write without it.",
        "rtl": "The text is written from right to left: the panel cannot show it.",
        "rtl_fix": "Give the text in a script written from left to right.",
        "empty": "There is nothing to show.",
        "empty_fix": "Give a headline.",
        "items": "The panel carries at most {n} messages and the others are more pressing.",
        "items_fix": "Wait for one to end, or withdraw one.",
        "bytes": "The whole display would exceed {n} bytes, which is what the panel can receive.",
        "bytes_fix": "Withdraw a message from this panel or shorten this one.",
        "no_language": 'The text in "{language}" does not fit and is not shown.',
        "abbreviated": "Some words are abbreviated.",
    },
    "es": {
        "word": "«{word}» ({field}) tiene {n} caracteres y una línea del panel tiene {width}: "
        "una palabra nunca se corta.",
        "word_dots": "«{word}» ({field}) es más ancha que los {dots} puntos del panel: "
        "una palabra nunca se corta.",
        "word_fix": "Una palabra más corta, o un texto corto (campo «short») sin ella.",
        "long": "No cabe todo en {pages} páginas de «{title}»: {field} tiene {n} caracteres. "
        "El lugar, la fecha y la instrucción nunca se omiten.",
        "long_fix": "Cabe si {field} tiene como máximo unos {room} caracteres.",
        "much": "No cabe todo en {pages} páginas de «{title}», ni siquiera sin {field}. "
        "El lugar, la fecha y la instrucción nunca se omiten.",
        "much_fix": "Acorte el título, el lugar y la instrucción.",
        "glyph": "El panel no tiene signo para {letters}.",
        "glyph_fix": "Escriba sin ese signo.",
        "rtl": "El texto se escribe de derecha a izquierda: el panel no puede mostrarlo.",
        "rtl_fix": "Dé el texto en una escritura de izquierda a derecha.",
        "empty": "No hay nada que mostrar.",
        "empty_fix": "Dé un título.",
        "items": "El panel lleva como máximo {n} mensajes y los demás son más urgentes.",
        "items_fix": "Espere a que termine uno, o retire uno.",
        "bytes": "El conjunto superaría {n} bytes, lo que el panel puede recibir.",
        "bytes_fix": "Retire un mensaje de este panel o acorte este.",
        "no_language": "El texto en «{language}» no cabe y no se muestra.",
        "abbreviated": "Hay palabras abreviadas.",
    },
}


def field_name(field: str, locale: str) -> str:
    """An input field in words."""
    return _FIELDS[tongue(locale)].get(field, field)


def say(name: str, locale: str, **values: object) -> str:
    """The sentence `name` in `locale`, French where we do not speak it."""
    return _SENTENCES[tongue(locale)][name].format(**values)


def tongue(locale: str) -> str:
    """The language of ours nearest to a BCP 47 tag."""
    base = locale.partition("-")[0].lower()
    return base if base in _SENTENCES else "fr"
