"""An agenda of 10,000 events, parsed and expanded.

Ours: `ICalendar.parse`, from bytes to items with words, places, versions and every check. Peer:
icalendar and recurring-ical-events, from bytes to occurrences, bare. Limit: icalendar alone, no
occurrence computed. Ours reads less of the file than either (no reminders, no attendees) and
computes occurrences only for what repeats.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import recurring_ical_events

from connectors.ical import AgendaOptions, ICalendar
from tests.benchmarks.measure import row, take_turns

EVENTS, SERIES, DAYS, REPEATS = 10_000, 500, 731, 3
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def agenda() -> bytes:
    """10,000 events over two years as a calendar service writes them; every twentieth repeats ten
    times, every third has a reminder and two guests."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Villard-Bonnot//Agenda//FR"]
    for n in range(EVENTS):
        begins = datetime(2026, 1, 1, 9) + timedelta(days=n % 700, hours=n % 10)
        lines += [
            "BEGIN:VEVENT",
            f"UID:atelier-{n}@villard-bonnot.example",
            "DTSTAMP:20260101T000000Z",
            f"DTSTART;TZID=Europe/Paris:{begins:%Y%m%dT%H%M%S}",
            f"DTEND;TZID=Europe/Paris:{begins + timedelta(hours=2):%Y%m%dT%H%M%S}",
            f"SUMMARY:Atelier numéro {n}",
            "LOCATION:Salle des fêtes\\, rue de la Gare",
            "DESCRIPTION:Venez nombreux\\, entrée libre.\\nBuvette sur place.",
            "CATEGORIES:Culture,Loisirs",
        ]
        if n % (EVENTS // SERIES) == 0:
            lines.append("RRULE:FREQ=WEEKLY;COUNT=10")
        if n % 3 == 0:
            lines += [f"ATTENDEE;CN=Invité {i}:mailto:i{i}@villard-bonnot.example" for i in (1, 2)]
            lines += ["BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT30M", "END:VALARM"]
        lines.append("END:VEVENT")
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def run() -> list[dict[str, Any]]:
    raw = agenda()
    connector = ICalendar(AgendaOptions(days_ahead=DAYS, most=20_000))
    first, last = NOW - timedelta(days=1), NOW + timedelta(days=DAYS)

    def bare() -> int:
        calendar = icalendar.Calendar.from_ical(raw)
        return len(recurring_ical_events.of(calendar).between(first, last))

    found, theirs = len(connector.parse(raw, NOW).items), bare()
    if found != theirs:
        raise RuntimeError(f"{found} items, {theirs} occurrences: they did not do the same")
    ours, peer, limit = take_turns(
        lambda: connector.parse(raw, NOW),
        bare,
        lambda: icalendar.Calendar.from_ical(raw),
        rounds=REPEATS,
    )
    return [
        row(
            f"agenda: {EVENTS:,} events",
            "s",
            ours=ours,
            peer=peer,
            limit=limit,
            conditions=f"median of {REPEATS}; {len(raw) / 1e6:.1f} MB, {SERIES} of them series, "
            f"{found:,} dates within {DAYS} days",
        )
    ]


if __name__ == "__main__":
    print(json.dumps(run(), indent=2, ensure_ascii=False))
