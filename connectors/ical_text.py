"""The text of a calendar before the library reads it: decoded, whole, and only what is wanted.

Of 10,000 events most lines are reminders, attendees and vendors' own; they are left out here, which
is faster than parsing them and keeps what is odd in them from spoiling the entry. Names of zones
become IANA's here too, since the library keeps a file's own names for all files after it.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from connectors import ical_zones

_BREAK: Final = re.compile(r"\r\n|\n|\r")
_NAME: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[;:]")
_EDGE: Final = re.compile(r"(BEGIN|END):[ \t]*([A-Za-z-]+)[ \t]*$", re.IGNORECASE)
# The value of a date has no colon; a zone's name may, even without quotes.
_DATED: Final = re.compile(r"([A-Za-z-]+)((?:;.*)?):([^:]*)$")
_TZID: Final = re.compile(r";TZID=(\"[^\"]*\"|.*?)(?=;[A-Za-z-]+=|$)", re.IGNORECASE)
_DATES: Final = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE"})
_WORDS: Final = frozenset({"SUMMARY", "DESCRIPTION", "LOCATION"})
_OF_EVENT: Final = _DATES | _WORDS | {
    "UID", "DURATION", "RRULE", "SEQUENCE", "STATUS", "CLASS", "GEO", "URL", "CATEGORIES",
    "LAST-MODIFIED", "DTSTAMP", "CREATED",
}  # fmt: skip
_OF_CALENDAR: Final = frozenset({"X-WR-CALNAME", "X-WR-TIMEZONE", "NAME", "METHOD"})


class Unreadable(ValueError):
    """`code` is a row of connectors.reasons, `where` a line."""

    def __init__(self, code: str, where: str = "", **values: object) -> None:
        super().__init__(code)
        self.code, self.where, self.values = code, where, values


@dataclass(slots=True)
class Entry:
    """A VEVENT as it stands in the file: its first line, its UID, the line of each property."""

    line: int
    uid: str = ""
    at: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Read:
    """`entries`: the events of `text`, in its order. `unclosed`: those that never end, left out.
    `strange`: names of zones that mean nothing, with the line of the first."""

    text: str
    entries: list[Entry]
    unclosed: list[Entry]
    strange: dict[str, int]


def decoded(raw: bytes) -> str:
    """UTF-8 by RFC 5545 section 3.1.4; old exporters write Windows-1252, a few UTF-16."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def is_calendar(text: str) -> bool:
    head = r"(?:^|[\r\n])[ \t]*BEGIN:[ \t]*VCALENDAR[ \t]*(?=[\r\n]|$)"
    return re.search(head, text, re.IGNORECASE) is not None


def read(text: str) -> Read:
    """What the library shall read of `text`.

    Raises Unreadable when a calendar begins and does not end: a download that was cut off must not
    look like a short agenda, or the missing half would be taken for cancelled.
    """
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self.out: list[str] = []
        self.entries: list[Entry] = []
        self.unclosed: list[Entry] = []
        self.strange: dict[str, int] = {}
        self.open: list[str] = []
        self.last = ""  # the property before, where it is wanted
        self.event: Entry | None = None
        self.body: list[str] = []
        self.zones: dict[str, str] = {}

    def read(self, text: str) -> Read:
        lines = _unfolded(text)
        self._find_zones(lines)
        for number, line in lines:
            edge = _EDGE.match(line) if line[:1] in "BEbe" else None
            if edge:
                self.last = ""
                self._edge(edge[1].upper() == "BEGIN", edge[2].upper(), number)
            else:
                self._property(line, number)
        if "VCALENDAR" in self.open:
            raise Unreadable("truncated", f"BEGIN:{self.open[-1]}")
        return Read("\r\n".join(self.out) + "\r\n", self.entries, self.unclosed, self.strange)

    def _edge(self, begins: bool, name: str, number: int) -> None:
        if begins:
            if name in ("VEVENT", "VCALENDAR") and "VEVENT" in self.open:
                self._leave_open()
            self.open.append(name)
            if name == "VCALENDAR":
                self.out.append("BEGIN:VCALENDAR")
                self.body = self.out
            elif name == "VEVENT":
                self.event, self.body = Entry(number), []
            return
        if name not in self.open:
            return  # an END without its beginning changes nothing
        if name == "VCALENDAR" and "VEVENT" in self.open:
            self._leave_open()
        while self.open.pop() != name:
            pass
        if name == "VEVENT" and self.event:
            self.out += ["BEGIN:VEVENT", *self.body, "END:VEVENT"]
            self.entries.append(self.event)
            self.event, self.body = None, self.out
        elif name == "VCALENDAR":
            self.out.append("END:VCALENDAR")

    def _leave_open(self) -> None:
        """An event that the next begins in is reported, and its neighbours are read."""
        if self.event:
            self.unclosed.append(self.event)
        self.event, self.body = None, self.out
        while self.open and self.open[-1] != "VCALENDAR":
            self.open.pop()

    def _property(self, line: str, number: int) -> None:
        inside = self.open[-1] if self.open else ""
        if inside not in ("VEVENT", "VCALENDAR"):
            self.last = ""
            return
        named = _NAME.match(line)
        if not named:
            # A line break that its exporter forgot to fold or to write as \n.
            if line.strip() and self.last in _WORDS:
                self.body[-1] += "\\n" + line
            return
        name = named[1].upper()
        self.last = name if name in (_OF_EVENT if inside == "VEVENT" else _OF_CALENDAR) else ""
        if not self.last:
            return
        if self.event and inside == "VEVENT":
            self.event.at.setdefault(name, number)
            if name == "UID":
                self.event.uid = line.partition(":")[2].strip()
            elif name in _DATES:
                line = self._dated(line, number)
        elif name == "X-WR-TIMEZONE":
            line = f"X-WR-TIMEZONE:{ical_zones.probably(line.partition(':')[2])}"
        self.body.append(line)

    def _dated(self, line: str, number: int) -> str:
        if ";" not in line or not (found := _TZID.search(line)):
            return line
        split = _DATED.match(line)
        if not split or not (found := _TZID.search(split[2])):
            return line
        if split[3].strip().upper().endswith("Z"):  # in UTC, whatever zone stands beside it
            return f"{split[1]}{split[2][: found.start()]}{split[2][found.end() :]}:{split[3]}"
        written = found[1].strip('"')
        zone = self.zones.get(written)
        if zone is None:
            zone = self.zones[written] = ical_zones.probably(written)
        if not zone:
            self.strange.setdefault(written, number)
        named = f";TZID={zone}" if zone else ""
        return f"{split[1]}{split[2][: found.start()]}{named}{split[2][found.end() :]}:{split[3]}"

    def _find_zones(self, lines: list[tuple[int, str]]) -> None:
        """The zones that a file defines: by IANA's rules where the name is one of theirs, else by
        its own, under a name that no other file has."""
        block: list[str] | None = None
        tzid = ""
        for _, line in lines:
            head = line[:15].upper().strip()
            if head.startswith("BEGIN:VTIMEZONE"):
                block, tzid = [], ""
            elif block is None:
                continue
            elif head == "END:VTIMEZONE":
                self._define(tzid, block)
                block = None
            elif head.startswith("TZID"):
                tzid = line.partition(":")[2].strip()
            else:
                block.append(line)

    def _define(self, tzid: str, block: list[str]) -> None:
        if not tzid or tzid in self.zones:
            return
        if found := ical_zones.exactly(tzid):
            self.zones[tzid] = found
        elif _defines(block):
            name = "tambour-" + hashlib.sha256("\n".join(block).encode()).hexdigest()[:16]
            self.zones[tzid] = name
            self.out += ["BEGIN:VCALENDAR", "BEGIN:VTIMEZONE", f"TZID:{name}", *block]
            self.out += ["END:VTIMEZONE", "END:VCALENDAR"]


def _unfolded(text: str) -> list[tuple[int, str]]:
    """(number of its first line, whole line): RFC 5545 section 3.1."""
    made: list[tuple[int, str]] = []
    for number, line in enumerate(_BREAK.split(text), 1):
        if line[:1] in (" ", "\t") and made:
            first, begun = made[-1]
            made[-1] = (first, begun + line[1:])
        else:
            made.append((number, line))
    return made


def _defines(block: list[str]) -> bool:
    """Whether a definition has all it needs (RFC 5545 section 3.6.5); half of one would make the
    library refuse the whole file."""
    parts = 0
    inside: dict[str, str] = {}
    for line in block:
        upper = line.upper().strip()
        if upper in ("BEGIN:STANDARD", "BEGIN:DAYLIGHT"):
            inside = {}
        elif upper in ("END:STANDARD", "END:DAYLIGHT"):
            if not inside.get("RRULE", "FREQ=YEARLY").startswith("FREQ=YEARLY"):
                return False  # expanded to 2038 by the library, hour by hour if it is told to
            if not re.fullmatch(r"\d{8}T\d{6}", inside.get("DTSTART", "")):
                return False
            for name in ("TZOFFSETFROM", "TZOFFSETTO"):
                if not re.fullmatch(r"[+-]\d{4}(?:\d\d)?", inside.get(name, "")):
                    return False
            parts += 1
        elif ":" in upper:
            name, _, value = upper.partition(":")
            inside[name.partition(";")[0]] = value
    return parts > 0
