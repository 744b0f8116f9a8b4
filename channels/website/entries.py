"""A notice as every document of a website needs it: cleaned, marked, in the site's language."""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlsplit

from channels.website.wording import moment, span, words
from hub.contracts import Image, Notice, Text
from hub.vocabulary import EndedAs, MsgType, ResponseType, Scope, Urgency

# What XML 1.0 (section 2.2) has no place for, and iCalendar (RFC 5545 section 3.1) neither.
_UNSAYABLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_BREAKS: Final = re.compile("\r\n|[\r\x85\u2028\u2029]")
_PARAGRAPHS: Final = re.compile(r"\n[ \t]*\n+")
_TOMBSTONE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Site:
    """Where the documents of an outlet live and in which words they speak."""

    base_url: str
    station: str
    title: str
    language: str
    timezone: str
    authority_name: str
    contact: str = ""

    @property
    def root(self) -> str:
        """`/s/{station}`: the path all documents of this outlet start with."""
        return f"/s/{quote(self.station, safe='')}"

    @property
    def home(self) -> str:
        """The citizen's page of the station."""
        return f"{self.base_url}{self.root}/"

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or "localhost"

    def url(self, rest: str) -> str:
        return f"{self.base_url}{self.root}/{rest}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One notice on one site. Its body is `text` (plain, never empty) and `html` (a safe
    fragment); both carry the mark of an exercise as `title` does: a reader may show one alone."""

    notice: Notice
    site: Site
    language: str
    title: str
    text: str
    html: str

    @property
    def id(self) -> str:
        """The same over all revisions (RFC 4151): it outlives a change of paths."""
        return f"tag:{self.site.host},{self.notice.first_sent:%Y-%m-%d}:{self.notice.publication}"

    @property
    def page_path(self) -> str:
        return f"{self.site.root}/n/{quote(self.notice.publication, safe='')}.html"

    @property
    def cap_path(self) -> str:
        return f"{self.site.root}/cap/{quote(self.notice.identifier, safe='')}.xml"

    @property
    def link(self) -> str:
        """The page of the notice that people open."""
        return self.notice.url or f"{self.site.base_url}{self.page_path}"

    @property
    def words(self) -> Text:
        return self.notice.texts[self.language]

    @property
    def label(self) -> str:
        return label_in(self.notice, self.language)

    @property
    def start(self) -> datetime:
        """The onset, else the effective time."""
        return self.notice.onset or self.notice.effective

    @property
    def when(self) -> str:
        return span(self.start, self.notice.expires, self.language, self.notice.timezone)


def current(notices: Iterable[Notice], now: datetime) -> list[Notice]:
    """What a public site shows at `now`: in effect, not expired, newest first. Restricted and
    private notices (CAP 1.2 section 3.2.1, scope) have no place on an open page."""
    return _newest(n for n in notices if n.effective <= now < n.expires and n.scope is Scope.PUBLIC)


def tombstones(ended: Iterable[Notice], now: datetime) -> list[Notice]:
    """Cancelled notices of the last 30 days; one that merely expired, or lives on elsewhere, has
    no tombstone."""
    return _newest(
        n for n in ended if is_over(n) and n.scope is Scope.PUBLIC and n.sent + _TOMBSTONE > now
    )


def next_change(
    notices: Sequence[Notice], gone: Sequence[Notice], now: datetime
) -> datetime | None:
    """When the same notices would read otherwise: they take effect, begin or expire, or a tombstone
    falls."""
    public = [n for n in notices if n.scope is Scope.PUBLIC]
    moments = [at for n in public for at in (n.effective, n.onset, n.expires) if at]
    moments += [n.sent + _TOMBSTONE for n in gone]
    return min((moment for moment in moments if moment > now), default=None)


def entry(notice: Notice, site: Site) -> Entry:
    """`notice` cleaned and put in the site's language, or the one it has."""
    notice = _at_rest(cleaned(notice))
    language = language_of(notice, site.language)
    text, mark = notice.texts[language], mark_in(notice, language)
    body = "\n\n".join(part for part in (text.description, text.instruction) if part)
    return Entry(
        notice=notice,
        site=site,
        language=language,
        title=f"{mark}{text.headline}",
        text=f"{mark}{body or text.headline}",
        html=_html(notice, language),
    )


def is_over(notice: Notice) -> bool:
    """Ended before its time, with a word about it: over or retracted."""
    return notice.ended_as in (EndedAs.OVER, EndedAs.RETRACTED)


def _at_rest(notice: Notice) -> Notice:
    """A cancelled notice asks nothing of anybody: a reader who meets `Evacuate` in its tombstone
    would do it."""
    if not is_over(notice):
        return notice
    clear = ResponseType.ALL_CLEAR if notice.ended_as is EndedAs.OVER else ResponseType.NONE
    texts = {at: replace(text, instruction="") for at, text in notice.texts.items()}
    return replace(
        notice,
        msg_type=MsgType.CANCEL,
        response_type=clear,
        urgency=Urgency.PAST,
        texts=texts,
    )


def language_of(notice: Notice, wished: str) -> str:
    """The language `text_in(wished)` answers in."""
    base = wished.partition("-")[0]
    return next((at for at in (wished, base) if at in notice.texts), next(iter(notice.texts)))


def label_in(notice: Notice, language: str) -> str:
    """The category's name in `language`, else in any, else its code."""
    labels = notice.category_labels
    known = labels.get(language) or labels.get(language.partition("-")[0])
    return known or next(iter(labels.values()), notice.category)


def clean(text: str) -> str:
    """`text` without what XML or iCalendar cannot carry; line ends are \\n; no blank edges."""
    return _UNSAYABLE.sub("", _BREAKS.sub("\n", text)).strip()


def _line(text: str) -> str:
    return " ".join(clean(text).split())


def cleaned(notice: Notice) -> Notice:
    """`notice` with every free text cleaned; a headline and an area's name become one line."""
    return replace(
        notice,
        sender=_line(notice.sender),
        authority_name=_line(notice.authority_name),
        station_name=_line(notice.station_name),
        event=_line(notice.event),
        area_desc=_line(notice.area_desc),
        url=_line(notice.url),
        category_labels={at: _line(label) for at, label in notice.category_labels.items()},
        texts={
            at: Text(_line(t.headline), clean(t.description), clean(t.instruction), _line(t.short))
            for at, t in notice.texts.items()
        },
        images=tuple(
            Image(_line(i.url), _line(i.media_type), {at: _line(a) for at, a in i.alt.items()})
            for i in notice.images
        ),
    )


def paragraphs(text: str) -> str:
    """Plain text as `<p>` elements, everything escaped; a single line end is kept as `<br>`."""
    parts = (part.strip() for part in _PARAGRAPHS.split(text))
    return "".join(f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in parts if part)


def alt_of(image: Image, language: str) -> str:
    return image.alt.get(language) or next(iter(image.alt.values()), "")


def mark_in(notice: Notice, language: str) -> str:
    """`[EXERCICE] ` before whatever is not meant; empty for what is."""
    return words(language).marks.get(notice.status, "")


def _html(notice: Notice, language: str) -> str:
    text, said = notice.texts[language], words(language)
    parts = [paragraphs(mark_in(notice, language)), paragraphs(text.description)]
    if text.instruction:
        parts.append(f"<p><strong>{said.instruction}</strong></p>{paragraphs(text.instruction)}")
    start = notice.onset or notice.effective
    when = span(start, notice.expires, language, notice.timezone)
    facts = [(said.where, notice.area_desc), (said.when, when)]
    parts.append("".join(f"<p>{k} {html.escape(v)}</p>" for k, v in facts if v))
    for image in notice.images:
        alt = html.escape(alt_of(image, language), quote=True)
        parts.append(f'<p><img src="{html.escape(image.url, quote=True)}" alt="{alt}"></p>')
    return "".join(parts)


def issued(entry: Entry) -> str:
    """When it was said, and when it was last changed."""
    notice, said = entry.notice, words(entry.language)
    first = moment(notice.first_sent, entry.language, notice.timezone)
    if notice.revision == 1:
        return said.issued.format(at=first)
    return said.corrected.format(at=moment(notice.sent, entry.language, notice.timezone))


def _newest(notices: Iterable[Notice]) -> list[Notice]:
    return sorted(notices, key=lambda n: (n.sent, n.publication), reverse=True)
