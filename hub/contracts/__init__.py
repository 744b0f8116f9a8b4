"""The seams between the hub and its channels and connectors: value objects, protocols, errors.

Nothing here does I/O or knows a table. Everything is synchronous; a process opens its own clients
after fork. An adapter reports failure by raising (`TemporaryFailure`, `PermanentFailure`,
`NotConfigured`), never by a bool; bookkeeping (attempts, timing, throttle, breaker, log) belongs to
the dispatcher, so that no adapter can forget it.
"""

from hub.contracts.content import Image, Json, Notice, Refusal, Rendering, Text
from hub.contracts.failures import (
    AdapterFailure,
    NotConfigured,
    PermanentFailure,
    StrictOptions,
    TemporaryFailure,
)
from hub.contracts.outlets import (
    Capabilities,
    Display,
    Document,
    Health,
    InSets,
    Listening,
    Means,
    Message,
    Messenger,
    Outcome,
    OutletView,
    Report,
    ReportStage,
    Said,
    Saying,
    Target,
    Verdict,
)
from hub.contracts.sources import (
    Connector,
    EntryError,
    Fetch,
    Fetched,
    Item,
    NotModified,
    Parsed,
    SourceUnavailable,
    SourceUnreadable,
)

__all__ = [
    "AdapterFailure",
    "Capabilities",
    "Connector",
    "Display",
    "Document",
    "EntryError",
    "Fetch",
    "Fetched",
    "Health",
    "Image",
    "InSets",
    "Item",
    "Json",
    "Listening",
    "Means",
    "Message",
    "Messenger",
    "NotConfigured",
    "NotModified",
    "Notice",
    "Outcome",
    "OutletView",
    "Parsed",
    "PermanentFailure",
    "Refusal",
    "Rendering",
    "Report",
    "ReportStage",
    "Said",
    "Saying",
    "SourceUnavailable",
    "SourceUnreadable",
    "StrictOptions",
    "Target",
    "TemporaryFailure",
    "Text",
    "Verdict",
]
