"""Bring the catalogues up to date: `python -m dashboards.base.extract`.

Adds what templates and modules newly say, drops what nothing says any more, keeps translations.
English says its message ids; what French and Spanish still lack is left empty, and a test says so.
"""

from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from dashboards.base.i18n import FOLDER, LANGUAGES, paths_of

HERE = Path(__file__).resolve().parent.parent
# Faces whose words are a file of their own.
OWN = frozenset({"citizen"})
_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
_OPTIONS = {
    "**/templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
}
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}

# Without dates and names, which would change with every run.
_HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {forms}\\n"

"""

Message = str | tuple[str, str]


def said() -> Iterator[tuple[Message, str]]:
    """(message id, file) of everything templates and modules say."""
    for name, _line, message, _comments, _context in extract_from_dir(
        HERE, _METHODS, _OPTIONS, keywords={**_KEYWORDS, "gettext": (2,)}
    ):
        yield (message if isinstance(message, str) else (message[0], message[1])), name


def path_of(language: str, name: str = "tambour") -> Path:
    return FOLDER / language / "LC_MESSAGES" / f"{name}.po"


def read(language: str) -> Catalog:
    """All that is known in a language, whichever file keeps it."""
    whole = Catalog(locale=language)
    for path in paths_of(language):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id and (message.string or message.id not in whole):
                    whole.add(message.id, message.string)
    return whole


def home_of(files: set[str]) -> str:
    """The catalogue of a message: a face's own when that face alone says it."""
    faces = {name.partition("/")[0] for name in files}
    return faces.pop() if len(faces) == 1 and faces <= OWN else "tambour"


def main() -> None:
    wanted: dict[Message, set[str]] = {}
    for message, name in said():
        wanted.setdefault(message, set()).add(name)
    for language in LANGUAGES:
        known = read(language)
        fresh = {
            name: Catalog(locale=language, project="Tambour", fuzzy=False)
            for name in ("tambour", *OWN)
        }
        for message in sorted(wanted, key=lambda m: m if isinstance(m, str) else m[0]):
            key = message if isinstance(message, str) else message[0]
            old = known.get(key)
            text = old.string if old else ("" if isinstance(message, str) else ("", ""))
            if language == "en":
                text = message
            files = [(name, None) for name in sorted(wanted[message])]
            fresh[home_of(wanted[message])].add(message, text, locations=files)
        for name, catalogue in fresh.items():
            write(path_of(language, name), language, catalogue)


def write(path: Path, language: str, catalogue: Catalog) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(_HEADER.format(language=language, forms=catalogue.plural_forms).encode())
        write_po(file, catalogue, width=100, include_lineno=False, omit_header=True)


if __name__ == "__main__":
    main()
