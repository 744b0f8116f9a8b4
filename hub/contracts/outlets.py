"""The two kinds of outlet: messengers speak once, displays hold a state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from hub.contracts.content import Json, Notice, Refusal, Rendering
from hub.contracts.failures import AdapterFailure, StrictOptions
from hub.guard import AddressPolicy
from hub.vocabulary import Intent, Lane


@dataclass(frozen=True, slots=True)
class Means:
    """What a process gives its adapters beside their options.

    `base_url` is the public address of this hub, without trailing slash. `policy` says which
    addresses a user-supplied URL may reach. `broker_url` is `mqtt://[user:pass@]host:port` or
    mqtts. `instance` names this hub on shared brokers; `boot` is new at each start.
    `contact` is a mailto: or https: address of who runs it (RFC 8292 section 2.1). `stopping` is
    true once the process has been told to end: begin nothing new, answer within two seconds.
    """

    base_url: str
    policy: AddressPolicy
    broker_url: str = ""
    instance: str = "tambour"
    boot: str = ""
    contact: str = ""
    timeout: float = 10.0
    stopping: Callable[[], bool] = bool


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a messenger kind can do.

    `intents`: those it can honour at the outlet itself; an intent missing here is either told by a
    fresh message, when a rule says so, or named on the board as impossible.
    `idempotent`: repeating a send with the same key does no harm (push tag, Mastodon's header).
    `addresses`: "subscriptions" (push), "contacts" (SMS list), "outlet" (the outlet is the target).
    """

    intents: frozenset[Intent]
    idempotent: bool
    addresses: str
    max_batch: int = 1


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one message. `key` is the idempotency key, stable over repeats of the same
    intent; `earlier_ref` is what this address answered to the revision before."""

    key: str
    address: str = ""
    intent: Intent = Intent.PUBLISH
    earlier_ref: str = ""
    extra: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message: bytes or text ready for the wire, once for all targets of a slice."""

    body: str | bytes
    intent: Intent
    key: str
    title: str = ""
    ttl_s: int = 0
    lane: Lane = Lane.NORMAL
    extra: Json = field(default_factory=dict)


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    GONE = "gone"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    LATER = "later"  # surely not taken; the dispatcher asks again


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one target. `ref` is the other side's id for later edits and receipts."""

    verdict: Verdict
    ref: str = ""
    reason: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """`ok` and one sentence in plain words."""

    ok: bool
    says: str


class Messenger(Protocol):
    """Speaks once: push, SMS, social, webhook."""

    kind: ClassVar[str]
    title: ClassVar[str]
    Options: ClassVar[type[StrictOptions]]
    capabilities: ClassVar[Capabilities]

    def __init__(self, options: Any, means: Means) -> None: ...

    @staticmethod
    def preview(notices: Sequence[Notice], options: Any, locale: str) -> Rendering | Refusal:
        """Pure: what would be said, or why it cannot be."""
        ...

    def render(self, notices: Sequence[Notice], intent: Intent, locale: str) -> Message:
        """Pure: the wire form of one or many notices. Raises PermanentFailure when refused."""
        ...

    def send(self, message: Message, targets: Sequence[Target]) -> list[Outcome]:
        """One outcome per target, in order. Whole-call trouble is raised."""
        ...

    def check(self) -> Health:
        """A cheap probe of the other side."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A signing key of an authority: Ed25519, 32 raw bytes each half. `until`: no plan after it."""

    key_id: str
    public: bytes
    private: bytes = field(default=b"", repr=False)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeySet:
    """Which keys panels shall trust from now on, the current one first. `rev` rises with every set;
    `leaving` are not trusted any more, but sign this set for panels that know no other."""

    rev: int
    made: datetime
    keys: tuple[TrustedKey, ...]
    leaving: tuple[TrustedKey, ...] = ()


@dataclass(frozen=True, slots=True)
class OutletView:
    """What a display adapter knows of the outlet it speaks for.

    `say_no` rises with every saying: max(last + 1, unix ms, highest reported + 1), so that a
    restored backup is not refused as replay. `signing_key` is the authority's Ed25519 private key
    (32 raw bytes); `key_id` names it on the wire. `key_set` is None as long as the authority has
    never changed its key. `images`: hashes of the pictures that it was given before and still has.
    """

    id: int
    code: str
    name: str
    authority: str
    authority_name: str
    timezone: str
    languages: tuple[str, ...]
    say_no: int
    station: str = ""
    signing_key: bytes = b""
    key_id: str = ""
    longitude: float | None = None
    latitude: float | None = None
    key_set: KeySet | None = None
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes to serve at `path` (from "/"). Past `valid_until` the web role renders afresh."""

    path: str
    media_type: str
    body: bytes
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a display was told.

    `shown` is True where saying is showing (a website's document is stored in the transaction that
    ends the saying); a panel reports by itself and leaves it False. `refused` maps a notice's
    publication to why this face cannot carry it. `next_change_at`: when the same notices would read
    otherwise by time alone. A document that is not said any more is no longer served. `pages` maps
    a publication to what its pages look like, each with its `hash`: kept for who compares.
    """

    shown: bool
    documents: tuple[Document, ...] = ()
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    next_change_at: datetime | None = None
    pages: Mapping[str, Sequence[Json]] = field(default_factory=dict)
    evidence: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Saying:
    """One display of a set: its adapter, and what `show` would be given. What is ended is not read
    for a set: a kind that keeps tombstones is not told in sets."""

    adapter: Any
    outlet: OutletView
    notices: Sequence[Notice]
    now: datetime


class ReportStage(StrEnum):
    """What a report is about; of a notice on a display, "shown" is worth more than "ack"."""

    BIRTH = "birth"
    PRESENCE = "presence"
    ACK = "ack"
    SHOWN = "shown"
    PLAN = "plan"  # the retained plan as the broker has it
    BEACON = "beacon"  # the hub's own retained topic: missing, ours or another's
    HEARTBEAT = "heartbeat"
    FAULT = "fault"  # one code each; an empty body: it is over
    PROOF = "proof"  # a batch of what the face showed
    FRAME = "frame"  # a picture of the face


@dataclass(frozen=True, slots=True)
class Report:
    """One thing a display said by itself. `say_no` is the plan it speaks of, when it names one;
    `session` and `seq` order the reports of one outlet; `body` is the parsed payload, bounded."""

    authority: str
    outlet: str
    stage: ReportStage
    received: datetime
    say_no: int | None = None
    session: int = 0
    seq: int = 0
    body: Json = field(default_factory=dict)
    raw: bytes = b""
    seal: str = ""


class Display(Protocol):
    """Holds a state: panel, website. It is told the whole of what it shall show."""

    kind: ClassVar[str]
    title: ClassVar[str]
    Options: ClassVar[type[StrictOptions]]

    def __init__(self, options: Any, means: Means) -> None: ...

    @staticmethod
    def preview(notices: Sequence[Notice], options: Any, locale: str) -> Rendering | Refusal: ...

    def show(
        self, outlet: OutletView, notices: Sequence[Notice], ended: Sequence[Notice], now: datetime
    ) -> Said:
        """Tell the outlet the whole of what it shall show.

        `ended` are the publications cancelled in the last 30 days that this outlet carried (intent
        WITHDRAW), for feeds that keep tombstones.
        """
        ...

    def check(self) -> Health: ...

    def close(self) -> None: ...


class InSets(Protocol):
    """A display kind that tells many of its outlets in one flight."""

    @staticmethod
    def show_many(sayings: Sequence[Saying]) -> list[Said | AdapterFailure]:
        """An answer for each, in order. Comes back within 25 s, answered or not: a lease lasts 30.
        Never raises AdapterFailure."""
        ...


class Listening(Protocol):
    """A display kind that reports by itself, on a connection held by the `panels` role."""

    @classmethod
    def listener(cls, means: Means) -> "Listening":
        """The one that hears all outlets of the kind."""
        ...

    def listen(
        self,
        report: Callable[[Sequence[Report]], None],
        stop: Callable[[], bool],
        authorities: Callable[[], Sequence[str]],
    ) -> None:
        """Blocks until `stop()`; hands over reports in batches (up to 500, at most 0.2 s apart).
        `authorities`: codes of those that have such an outlet, silent ones too."""
        ...

    @staticmethod
    def sealed(payload: bytes, seal: str, device_key: str) -> bool:
        """Whether the device with this public key (base64url) signed these bytes."""
        ...

    def outlook(
        self, outlet: OutletView, notices: Sequence[Notice], begin: datetime, end: datetime
    ) -> Json:
        """What will be seen between two moments, the link being well: items, dark, refused."""
        ...
