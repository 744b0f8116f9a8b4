"""Words, shapes and tones for what the hub calls by code words. Never a colour alone."""

from collections.abc import Mapping
from typing import Final

from dashboards.base.i18n import N_, catalogue, gettext

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "severity": {
        "Minor": N_("Information"),
        "Moderate": N_("Caution"),
        "Severe": N_("Alert"),
        "Extreme": N_("Extreme danger"),
        "Unknown": N_("Information"),
    },
    "severity_help": {
        "Minor": N_("Good to know; nobody is in danger."),
        "Moderate": N_("Daily life is disturbed; people should take care."),
        "Severe": N_("People or property are in danger."),
        "Extreme": N_("Lives are in danger now."),
    },
    "urgency": {
        "Immediate": N_("Act now"),
        "Expected": N_("Act soon, within the hour"),
        "Future": N_("Act in the coming days"),
        "Past": N_("Nothing more to do"),
        "Unknown": N_("Not known"),
    },
    "certainty": {
        "Observed": N_("It is happening"),
        "Likely": N_("Likely"),
        "Possible": N_("Possible"),
        "Unlikely": N_("Unlikely"),
        "Unknown": N_("Not known"),
    },
    "state": {"new": N_("Draft"), "live": N_("Live"), "ended": N_("Ended")},
    "draft": {
        "writing": N_("Being written"),
        "submitted": N_("Waiting for approval"),
        "returned": N_("Returned to its author"),
        "approved": N_("Approved"),
        "scheduled": N_("Scheduled"),
        "made": N_("Published"),
    },
    "ended": {
        "expired": N_("Ended on time"),
        "over": N_("It is over"),
        "retracted": N_("Withdrawn: it was wrong"),
    },
    "board": {
        "due": N_("About to be told"),
        "told": N_("Told, not yet confirmed"),
        "stored": N_("Stored, not yet displayed"),
        "shown": N_("Displayed"),
        "clear": N_("Cleared"),
        "refused": N_("Does not fit"),
        "trouble": N_("In trouble"),
        "waiting": N_("Waiting"),
        "open": N_("Being sent"),
        "done": N_("Sent"),
        "failed": N_("Failed"),
        "uncertain": N_("Uncertain"),
        "expired": N_("Too late"),
        "superseded": N_("Replaced"),
        "suppressed": N_("Held back by a rule"),
    },
    "kind": {
        "website": N_("Website and feeds"),
        "panel": N_("LED panel"),
        "push": N_("Phones"),
        "sms": N_("SMS"),
        "mastodon": N_("Mastodon"),
        "social": N_("Social networks"),
        "null": N_("Test outlet"),
        "ical": N_("Calendar (iCalendar)"),
        "rss": N_("News feed (RSS, Atom)"),
        "cap": N_("Alerts (CAP)"),
        "caldav": N_("Calendar (CalDAV)"),
        "openagenda": N_("Events (OpenAgenda)"),
        "vigilance": N_("Weather watch (Météo-France)"),
        "vigicrues": N_("Flood watch (Vigicrues)"),
        "datex": N_("Road traffic (DATEX II)"),
        "wzdx": N_("Work zones (WZDx)"),
        "cifs": N_("Road incidents (CIFS)"),
        "gtfs_rt": N_("Public transport (GTFS-RT)"),
    },
    "role": {
        "author": N_("Author"),
        "approver": N_("Approver"),
        "admin": N_("Administrator"),
        "on-duty": N_("On duty"),
    },
    "lane": {"urgent": N_("Urgent"), "normal": N_("Normal"), "bulk": N_("When there is time")},
    "intent": {
        "publish": N_("will say it"),
        "update": N_("will change it"),
        "withdraw": N_("will remove it"),
    },
    "health": {
        "new": N_("Not read yet"),
        "good": N_("Works"),
        "failing": N_("Does not answer"),
        "paused": N_("Paused"),
    },
    "intake": {
        "ignore": N_("Ignore"),
        "agenda": N_("In the agenda only"),
        "draft": N_("Propose a draft"),
        "publish": N_("Publish by itself"),
    },
    "fate": {
        "ignore": N_("Would be ignored"),
        "skip": N_("Would be ignored"),
        "agenda": N_("Would be in the agenda only"),
        "draft": N_("Would become a draft"),
        "publish": N_("Would be published"),
        "update": N_("Would change a publication"),
        "end": N_("Would end a publication"),
    },
    "item": {
        "ignored": N_("Ignored"),
        "listed": N_("In the agenda only"),
        "drafted": N_("Draft proposed"),
        "published": N_("Published"),
        "closed": N_("Over at the source"),
    },
    "event": {
        "planned": N_("Planned"),
        "cancelled": N_("Cancelled"),
        "withdrawn": N_("Taken out"),
    },
    "presence": {
        "ready": N_("Connected"),
        "online": N_("Connected"),
        "sleeping": N_("Asleep"),
        "lost": N_("Out of reach"),
        "offline": N_("Out of reach"),
    },
    "verb": {
        "create": N_("wrote the first draft"),
        "edit": N_("changed the draft"),
        "submit": N_("asked for approval"),
        "hold": N_("is held for approval by a rule"),
        "return": N_("returned the draft"),
        "approve": N_("approved"),
        "schedule": N_("scheduled"),
        "schedule missed": N_("could not publish at the chosen hour"),
        "publish": N_("published"),
        "cancel": N_("ended it"),
        "expire": N_("ended it on time"),
        "discard": N_("dropped the draft"),
        "resend": N_("sent again"),
    },
    "option": {
        "title": N_("Title"),
        "language": N_("Language"),
        "languages": N_("Languages, in the order shown"),
        "contact": N_("How to reach the sender"),
        "model": N_("Model"),
        "hold_ms": N_("How long a page stays, in milliseconds"),
        "night_off": N_("Dark from (hour)"),
        "night_on": N_("Lit again from (hour)"),
        "serial": N_("Serial number"),
        "device_key": N_("Key of the device"),
        "ttl_cap_s": N_("Longest wait for a phone, in seconds"),
        "in_flight": N_("Messages under way at once"),
        "ca_file": N_("File of certificates"),
        "url": N_("Address of the account or operator"),
        "price_per_segment": N_("Price of a segment, in euros"),
        "max_segments": N_("Most segments of one SMS"),
        "sender": N_("Name of the sender"),
        "link": N_("Add the link"),
        "instance": N_("Server"),
        "token": N_("Access key"),
        "limit": N_("Most letters"),
        "visibility": N_("Who may read it"),
        "on_end": N_("When it is over"),
        "timezone": N_("Time zone where none is written"),
        "report_in": N_("Language of the reports"),
        "days_before": N_("Days before today"),
        "days_ahead": N_("Days ahead"),
        "most": N_("Most entries kept"),
        "most_of_a_series": N_("Most entries of a series"),
        "unlabelled": N_("Language where none is written"),
    },
    "field": {
        "headline": N_("What is happening"),
        "description": N_("Details"),
        "instruction": N_("What to do"),
        "short": N_("Short wording"),
        "category": N_("Category"),
        "severity": N_("How serious"),
        "urgency": N_("How urgent"),
        "area": N_("Area on the map"),
        "area_desc": N_("Where"),
        "onset": N_("From"),
        "effective": N_("From"),
        "expires": N_("Until"),
        "publish_at": N_("Publish at"),
        "options": N_("Settings"),
        "station": N_("Station"),
        "texts": N_("Text"),
        "url": N_("Address"),
        "name": N_("Name"),
        "code": N_("Code"),
        "kind": N_("Kind"),
        "scope": N_("Who may read it"),
        "from_day": N_("First day"),
        "from_hour": N_("Begins at"),
        "to_day": N_("Last day"),
        "to_hour": N_("Ends at"),
        "place": N_("The place"),
        "latitude": N_("Latitude"),
        "tags": N_("Subjects, between commas"),
        "link": N_("Page with more about it"),
    },
}

# A tone is a colour, always with its word and one of these shapes.
TONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("shown", "clear", "done", "good", "approved", "online", "ready", "made"), "good"
    ),
    **dict.fromkeys(("due", "told", "stored", "waiting", "open", "scheduled", "submitted"), "busy"),
    **dict.fromkeys(("uncertain", "returned", "sleeping", "Moderate"), "warn"),
    **dict.fromkeys(
        ("refused", "trouble", "failed", "failing", "lost", "offline", "Severe", "Extreme"), "bad"
    ),
    "live": "good",
}

# Sentences of the hub that the office shows in the reader's language.
HUB_SAYS: Final = (
    N_("nobody to tell"),
    N_("the worker stopped between asking and the answer"),
    N_("expired before it could be said"),
    N_("the sweep does not run: nothing due is found (role beat)"),
    N_("the synthetic publication did not come through"),
    N_("the display is lost"),
    N_("the display is sleeping"),
    N_("This publication has ended; write a new one."),
    N_("Say what has to change."),
    N_("The author of a draft cannot approve it; ask a colleague."),
    N_("This moment has passed."),
    N_("The notice expires before it would be published."),
    N_("This end has passed; nothing would be shown."),
    N_("Only a live publication can be cancelled."),
    N_("There is no open draft; write one first."),
    N_("A rule asks for an approval that was not given."),
    N_("must come after onset"),
    N_("must come after effective"),
    N_("There is already an outlet with this code."),
)


def word(language: str, group: str, value: object) -> str:
    """The word for a code word of the hub; a code word we do not know is shown as it is."""
    known = WORDS[group].get(str(value))
    return gettext(language, known) if known else str(value)


def says(language: str, sentence: str) -> str:
    """A sentence of the hub, in `language` where the catalogue has it."""
    return gettext(language, sentence) if sentence else ""


def shape(value: object) -> str:
    """The tone of a state: good, busy, warn, bad or idle."""
    return TONES.get(str(value), "idle")


def missing(language: str) -> list[str]:
    """Labels without a translation; for the tests."""
    known = catalogue(language)._catalog  # type: ignore[attr-defined]
    every = [w for group in WORDS.values() for w in group.values()] + list(HUB_SAYS)
    return [w for w in every if w not in known]
