"""Trying a connector on a file or an address: what it makes of the bytes, and what intake and the
rules would do with each entry at a given moment. Changes nothing; a file needs no instance at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml
from sqlalchemy.exc import SQLAlchemyError

from hub import clock, registry, settings
from hub.contracts import Fetched, Parsed, SourceUnavailable, SourceUnreadable
from hub.foresight import Foresight, full
from hub.models import Authority, Source
from hub.sandbox import guess_bounded, parse_bounded
from hub.source_words import say
from hub.sources import SourceRefused, check_url, filled_options, guarded_fetcher

MOST_BYTES: Final = 20_000_000
READ, SOME_REFUSED, UNREADABLE = 0, 1, 2


class CannotTry(Exception):
    """Nothing could be read; `reason` in words, `where` a line, an element or an option."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.reason, self.where = reason, where


@dataclass(slots=True)
class Outcome:
    """What came of trying. `code`: 0 read, 1 read with entries refused, 2 not readable."""

    kind: str
    place: str
    at: datetime
    authority: str
    parsed: Parsed | None = None
    items: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: CannotTry | None = None

    @property
    def code(self) -> int:
        if self.parsed is None:
            return UNREADABLE
        return SOME_REFUSED if self.parsed.errors else READ

    def as_json(self) -> dict[str, Any]:
        """The answer of `tambour sources read --json`; docs/sources.md lists the fields."""
        errors = self.parsed.errors if self.parsed else ()
        counts: dict[str, int] = {}
        for item in self.items:
            counts[item["would"]["do"]] = counts.get(item["would"]["do"], 0) + 1
        return {
            "kind": self.kind,
            "from": self.place,
            "at": clock.rfc3339(self.at),
            "authority": self.authority or None,
            "exit": self.code,
            "title": self.parsed.title if self.parsed else "",
            "complete": self.parsed.complete if self.parsed else False,
            "count": len(self.items),
            "would": counts,
            "items": self.items,
            "errors": [{"where": e.where, "reason": e.reason} for e in errors],
            "notes": self.notes,
            "error": {"reason": self.error.reason, "where": self.error.where}
            if self.error
            else None,
        }


def read(
    kind: str,
    place: str,
    *,
    at: datetime | None = None,
    authority: Authority | None = None,
    options: Mapping[str, Any] | None = None,
    intake: str = "draft",
    category: str = "",
    after: Sequence[str] = (),
) -> Outcome:
    """Read a file or an address as a source of this kind would be. `after`: files that were read
    before it, in this order, so that an update or a cancel meets what it is about. Never raises for
    what the input is."""
    owner = authority or nobody()
    source = Source(
        authority_id=0,
        name=Path(place).name or place,
        kind=kind,
        url=place,
        station_id=0,
        intake=intake,
        category=category,
    )
    outcome = Outcome(kind, place, at or clock.now(), owner.code)
    try:
        seen = Foresight(source, owner)
        for earlier in after:
            seen.reading(_parsed(source, owner, earlier, outcome.at, options), outcome.at)
        parsed = _parsed(source, owner, place, outcome.at, options)
    except CannotTry as error:
        outcome.error = error
        return outcome
    _tell(outcome, seen, parsed)
    return outcome


def look(url: str, authority: Authority) -> Outcome:
    """Read an address whose kind nobody said: it is fetched once, and the kind that reads it best
    is taken. Never raises for what the address gives."""
    language = authority.languages[0][:2]
    outcome = Outcome("", url, clock.now(), authority.code)
    source = Source(authority_id=0, name=url, kind="", url=url, station_id=0, intake="draft")
    try:
        source.url = url = check_url(url)
        brought = guarded_fetcher(language)(url, {})
        raw = brought.raw if isinstance(brought, Fetched) else b""
        kinds = list(registry.kinds("connectors"))
        guesses = guess_bounded(kinds, raw, outcome.at)
        if not guesses:
            raise CannotTry(say("no-kind", language), url)
        outcome.kind = source.kind = guesses[0].kind
        given = filled_options(source.kind, authority, url)
        parsed = parse_bounded(source.kind, given, raw, outcome.at, language=language)
    except SourceUnreadable as error:
        outcome.error = CannotTry(error.reason, error.where)
    except (SourceUnavailable, SourceRefused, CannotTry) as error:
        outcome.error = CannotTry(getattr(error, "reason", "") or str(error), url)
    else:
        _tell(outcome, Foresight(source, authority), parsed)
    return outcome


def nobody() -> Authority:
    """No authority in particular: French, Europe/Paris, without territory."""
    return Authority(code="", name="", languages=["fr"], timezone="Europe/Paris")


def authority_of(code: str) -> Authority:
    """The authority with this code: of the instance if there is one, else of config/demo. Raises
    LookupError naming the code. Makes no database."""
    from hub import accounts, db  # a file judged for no authority needs neither

    here = settings.get()
    file = here.data / "tambour.db"
    if here.database_url.get_secret_value() or file.is_file():
        try:
            with db.reading(db.EVERYWHERE) as session:
                return accounts.authority_by_code(session, code)
        except (SQLAlchemyError, accounts.Unknown):
            pass  # an empty or foreign database knows nobody
    for path in sorted((here.config / "demo").glob("*.yaml")):
        row = (yaml.safe_load(path.read_text("utf-8")) or {}).get("authority", {})
        if row.get("code") == code:
            return Authority(**row)
    raise LookupError(f"There is no authority with the code {code!r}.")


def _tell(outcome: Outcome, seen: Foresight, parsed: Parsed) -> None:
    rows = seen.reading(parsed, outcome.at)
    outcome.parsed, outcome.notes = parsed, seen.notes
    outcome.items = [full(i, where, told, seen.source, seen.authority) for i, where, told in rows]


def _parsed(
    source: Source,
    authority: Authority,
    place: str,
    at: datetime,
    options: Mapping[str, Any] | None,
) -> Parsed:
    language = authority.languages[0][:2]
    url = place if "://" in place else ""
    try:
        kind = registry.connector(source.kind)
        given = filled_options(source.kind, authority, url) | dict(options or {})
        connector = kind(kind.Options.model_validate(given))
    except registry.UnknownKind as error:
        raise CannotTry(str(error), "kind") from error
    except ValueError as error:
        raise CannotTry(str(error), "options") from error
    raw = _fetched(connector, place, language) if url else _file(place)
    try:
        return parse_bounded(source.kind, given, raw, at, language=language)
    except SourceUnreadable as error:
        raise CannotTry(error.reason, error.where) from error


def _file(place: str) -> bytes:
    try:
        with open(place, "rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CannotTry(f"The file cannot be read: {error.strerror or error}.", place) from error
    if len(raw) > MOST_BYTES:
        raise CannotTry(f"The file is larger than {MOST_BYTES // 1_000_000} MB.", place)
    if not raw.strip():
        raise CannotTry("The file is empty.", place)
    return raw


def _fetched(connector: Any, place: str, language: str) -> bytes:
    try:
        check_url(place)
        brought = connector.fetch({}, guarded_fetcher(language))
    except SourceUnavailable as error:
        raise CannotTry(error.reason, place) from error
    except ValueError as error:
        raise CannotTry(str(error), place) from error
    assert isinstance(brought, Fetched)  # without a cursor nothing is "not modified"
    return brought.raw
