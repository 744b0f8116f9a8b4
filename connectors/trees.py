"""Strangers' XML and JSON: read within bounds, without entities, and small ways into an XML tree.

A document type is refused as a whole: no feed needs one, and each attack on an XML reader (entity
bombs, files and addresses read on the way) begins with it.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from lxml import etree

from connectors.common import HttpSource

# What the fetcher lets through; a file given by hand is held to the same.
BIGGEST: Final = 20_000_000
# Lists of numbers take 13 times their length in memory.
BIGGEST_JSON: Final = 12_000_000
_SPACE: Final = b"\xef\xbb\xbf \t\r\n"


def is_json(raw: bytes) -> bool:
    """Whether it begins as a JSON object or list, in UTF-8 or UTF-16."""
    head = raw[:200].replace(b"\0", b"").lstrip(b"\xff\xfe" + _SPACE)
    return head[:1] in (b"{", b"[")


def xml_root(source: HttpSource, raw: bytes) -> Any:
    """The root element, comments and processing instructions removed. Raises SourceUnreadable."""
    if len(raw) > BIGGEST:
        raise source.unreadable("too-big", megabytes=BIGGEST // 1_000_000)
    if b"<!ENTITY" in raw.replace(b"\0", b"").upper():
        raise source.unreadable("entities")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw.strip(), parser)
    except etree.XMLSyntaxError as error:
        if not raw.lstrip(_SPACE)[:2].replace(b"\xff", b"<").startswith(b"<") or _is_page(raw):
            raise source.not_ours(raw) from error
        detail, where = str(error.msg)[:120], f"ligne {error.lineno}"
        code = "truncated" if "Premature end" in detail else "malformed"
        raise source.unreadable(code, where, detail=detail) from error
    except ValueError as error:  # an encoding that nobody knows
        raise source.unreadable("malformed", detail=str(error)[:120]) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise source.unreadable("entities")
    return root


def json_document(source: HttpSource, raw: bytes) -> Any:
    """The document; UTF-8, UTF-16 or, from old exporters, Windows-1252. Raises SourceUnreadable."""
    if len(raw) > BIGGEST_JSON:
        raise source.unreadable("too-big", megabytes=BIGGEST_JSON // 1_000_000)
    if not is_json(raw):
        raise source.not_ours(raw)
    try:
        try:
            return json.loads(raw)
        except UnicodeDecodeError:
            return json.loads(raw.decode("cp1252", "replace"))
    except json.JSONDecodeError as error:
        left = error.doc[error.pos :].strip()
        # An unclosed string is reported at its start.
        cut = not left or error.msg.startswith("Unterminated string")
        code = "truncated" if cut else "malformed"
        raise source.unreadable(code, f"ligne {error.lineno}", detail=error.msg) from error
    except (ValueError, RecursionError) as error:
        raise source.unreadable("malformed", detail=str(error)[:80]) from error


def name_of(node: Any) -> str:
    """The local name, whatever the namespace; empty for a comment."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def child(node: Any, *names: str) -> Any:
    """The first child with one of the local names, whatever its namespace."""
    return next(node.iterchildren(*_anywhere(names)), None)


def children(node: Any, *names: str) -> list[Any]:
    return list(node.iterchildren(*_anywhere(names)))


def inside(node: Any, *names: str) -> Iterator[Any]:
    """The node and every descendant with one of the local names, in the order of the document."""
    found: Iterator[Any] = node.iter(*_anywhere(names))
    return found


@cache
def _anywhere(names: tuple[str, ...]) -> tuple[str, ...]:
    """lxml's "{*}name": in any namespace or none."""
    return tuple(f"{{*}}{name}" for name in names)


def text(node: Any, *names: str) -> str:
    """The words of the first child with one of the names, on one line."""
    found = child(node, *names)
    return "" if found is None else words(found)


def first(node: Any, *names: str) -> str:
    """The words of the first descendant with one of the names that has any, on one line."""
    return next((said for n in inside(node, *names) if (said := words(n))), "")


def words(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())


def xsi_type(node: Any) -> str:
    """The local name of xsi:type."""
    value = node.get("{http://www.w3.org/2001/XMLSchema-instance}type") or ""
    return str(value).rpartition(":")[2].strip()


def _is_page(raw: bytes) -> bool:
    return b"<html" in raw[:2000].lower()
