"""Names of time zones as calendars write them, brought to IANA's.

RFC 5545 section 3.2.19 lets a file name its zones as it likes. Outlook writes Windows names or
what its menu shows, libical puts its vendor in front, old exporters an offset or three letters.
"""

import re
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

# What no table of IANA or Unicode has, and agendas of Western Europe and its clouds do.
_SPOKEN: Final = {
    "central european time": "Europe/Paris",
    "central european summer time": "Europe/Paris",
    "heure d'europe centrale": "Europe/Paris",
    "heure de paris": "Europe/Paris",
    "cest": "Europe/Paris",
    "mez": "Europe/Berlin",
    "mesz": "Europe/Berlin",
    "western european time": "Europe/Lisbon",
    "eastern european time": "Europe/Athens",
    "greenwich mean time": "Europe/London",
    "coordinated universal time": "UTC",
    "z": "UTC",
    "eastern time": "America/New_York",
    "central time": "America/Chicago",
    "mountain time": "America/Denver",
    "pacific time": "America/Los_Angeles",
}
_OFFSET: Final = re.compile(r"\(?(?:UTC|GMT)?\s*([+-])(\d{1,2}):?(\d{2})?\)?", re.IGNORECASE)


def exactly(name: str) -> str:
    """The IANA name that `name` is, in other letters, in Windows' words or behind a vendor's
    prefix; "" where it is none of these."""
    name = name.strip().strip('"').strip("/")
    name = re.sub(r"^tzone://microsoft/", "", name, flags=re.IGNORECASE)
    if not name or len(name) > 200:
        return ""
    parts = name.split("/")
    for start in range(len(parts)):
        found = _iana("/".join(parts[start:]))
        if found:
            return found
    return ""


def probably(name: str) -> str:
    """The zone that `name` seems to mean: a city it names, a spoken name, an offset; else ""."""
    if found := exactly(name):
        return found
    plain = " ".join(name.strip().strip('"').split())[:200]
    for spelt in (plain.replace("-", "/"), plain.replace("_", "/", 1), re.sub(r" \d$", "", plain)):
        if found := _iana(spelt):
            return found
    words = re.sub(r"\(.*?\)", ",", plain)
    for part in (plain, *words.split(",")):
        part = part.strip().lower()
        if found := _SPOKEN.get(part, ""):
            return found
        if found := _cities().get(part.replace(" ", "_"), ""):
            return found
    offset = _OFFSET.match(plain)
    if offset and int(offset[2]) <= 12 and offset[3] in (None, "00"):
        # POSIX counts west of Greenwich: Etc/GMT-1 is one hour ahead.
        hours = int(offset[2])
        return f"Etc/GMT{'-' if offset[1] == '+' else '+'}{hours}" if hours else "UTC"
    return ""


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo | None:
    """The zone that `name` means, or None."""
    found = probably(name)
    return ZoneInfo(found) if found else None


@lru_cache(maxsize=512)
def _iana(name: str) -> str:
    if name.upper() in ("UTC", "GMT", "ZULU"):
        return "UTC"
    if "/" in name or name in WINDOWS_TO_OLSON:
        known = WINDOWS_TO_OLSON.get(name, name)
        try:
            return ZoneInfo(known).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    return _folded().get(name.lower(), "")


@lru_cache(maxsize=1)
def _folded() -> dict[str, str]:
    """Small letters to the name as it is written; folders of the data are no zones."""
    names = available_timezones() - {"localtime", "Factory", "posixrules"}
    return {name.lower(): name for name in sorted(names)} | {
        windows.lower(): iana for windows, iana in WINDOWS_TO_OLSON.items()
    }


@lru_cache(maxsize=1)
def _cities() -> dict[str, str]:
    """A city to its zone: brussels → Europe/Brussels."""
    regions = ("Europe/", "America/", "Africa/", "Asia/", "Indian/", "Pacific/", "Atlantic/")
    named = sorted(n for n in available_timezones() if n.startswith(regions))
    return {name.rpartition("/")[2].lower(): name for name in reversed(named)}
