"""CAP 1.2 messages (OASIS Common Alerting Protocol, July 2010) and the Atom index of them.

One message a revision, one `info` a language, elements in the order of the standard's schema. Our
profile, all that is ever written, is config/cap/cap-1.2.rng and docs/website.md.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from lxml import etree

from channels.website.entries import Entry, Site, alt_of, label_in, mark_in
from channels.website.geometry import Shapes, shapes
from channels.website.syndication import ATOM, add, atom_feed
from channels.website.wording import words
from hub import clock
from hub.contracts import Notice

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
_PREFIXES: Final[Any] = {None: NAMESPACE}  # the stubs know no default namespace
MEDIA_TYPE: Final = "application/cap+xml"


def cap_time(moment: datetime) -> str:
    """`2026-03-02T08:31:07-00:00`: section 3.3.2 forbids the letter Z and writes UTC as -00:00."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")


def alert(entry: Entry, site: Site) -> etree._Element:
    """The message of one revision: an Alert, an Update, or a Cancel once it ended."""
    notice = entry.notice
    root = etree.Element(_q("alert"), nsmap=_PREFIXES)
    _add(root, "identifier", notice.identifier)
    _add(root, "sender", notice.sender)
    _add(root, "sent", cap_time(notice.sent))
    _add(root, "status", notice.status.capitalize())
    _add(root, "msgType", notice.msg_type.capitalize())
    _add(root, "scope", notice.scope.capitalize())
    _add(root, "note", mark_in(notice, site.language).strip())
    _add(root, "references", " ".join(_reference(r) for r in notice.references))
    area = shapes(notice.area)
    for language in notice.texts:
        _info(root, notice, language, entry.link, site, area)
    return root


def document(entry: Entry, site: Site) -> bytes:
    """A message on its own."""
    return etree.tostring(alert(entry, site), xml_declaration=True, encoding="UTF-8")


def index(site: Site, messages: Sequence[Entry]) -> bytes:
    """The Atom feed of all messages in force, cancellations of the last 30 days included: each
    entry holds its message and links to it."""
    updated = max((entry.notice.sent for entry in messages), default=None)
    feed = atom_feed(site, "feed.cap", updated)
    for entry in messages:
        url = f"{site.base_url}{entry.cap_path}"
        node = etree.SubElement(feed, f"{{{ATOM}}}entry")
        add(node, "id", url)
        add(node, "title", ended_title(entry), type="text")
        add(node, "updated", clock.rfc3339(entry.notice.sent))
        add(node, "published", clock.rfc3339(entry.notice.sent))
        add(node, "link", rel="alternate", type=MEDIA_TYPE, href=url)
        add(node, "summary", entry.text, type="text")
        content = add(node, "content", type=MEDIA_TYPE)
        content.append(alert(entry, site))
    return etree.tostring(feed, xml_declaration=True, encoding="UTF-8")


def ended_title(entry: Entry) -> str:
    """The title, led by how it ended: `Terminé : …`, `Retiré : …`."""
    ended = entry.notice.ended_as
    return f"{words(entry.language).ended.get(ended, '') if ended else ''}{entry.title}"


def _info(
    root: etree._Element, notice: Notice, language: str, web: str, site: Site, area: Shapes
) -> None:
    text, said = notice.texts[language], words(language)
    label = label_in(notice, language)
    info = etree.SubElement(root, _q("info"))
    _add(info, "language", language)
    _add(info, "category", notice.cap_category)
    _add(info, "event", notice.event or label)
    _add(info, "responseType", notice.response_type)
    _add(info, "urgency", notice.urgency)
    _add(info, "severity", notice.severity)
    _add(info, "certainty", notice.certainty)
    _add(info, "effective", cap_time(notice.effective))
    _add(info, "onset", cap_time(notice.onset) if notice.onset else "")
    _add(info, "expires", cap_time(notice.expires))
    _add(info, "senderName", notice.station_name or notice.authority_name)
    ended = said.ended.get(notice.ended_as, "") if notice.ended_as else ""
    mark = mark_in(notice, language)
    _add(info, "headline", f"{mark}{ended}{text.headline}")
    _add(info, "description", f"{mark}{text.description}" if text.description else "")
    _add(info, "instruction", text.instruction)
    _add(info, "web", web)
    _add(info, "contact", site.contact)
    for image in notice.images:
        resource = etree.SubElement(info, _q("resource"))
        _add(resource, "resourceDesc", alt_of(image, language) or text.headline)
        _add(resource, "mimeType", image.media_type)
        _add(resource, "uri", image.url)
    where = etree.SubElement(info, _q("area"))
    _add(where, "areaDesc", notice.area_desc or notice.authority_name)
    for polygon in area.polygons:
        _add(where, "polygon", polygon)
    for circle in area.circles:
        _add(where, "circle", circle)


def _reference(reference: str) -> str:
    """ "sender,identifier,sent", its time written as the earlier message wrote it: a receiver
    compares the three as text (section 3.2.1)."""
    head, _, sent = reference.rpartition(",")
    return f"{head},{cap_time(datetime.fromisoformat(sent))}"


def _q(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: etree._Element, name: str, text: str) -> None:
    """An element, left out when it would be empty: the standard has no use for empty ones."""
    if text:
        etree.SubElement(parent, _q(name)).text = text
