"""The plan of a panel: the whole of what it shall show, as signed bytes. Pure and deterministic.

docs/panel-contract.md section 3 is the description, schemas/plan.json the form. The same view,
notices, model and moment give the same bytes, which is what a signature and a replay check need.
"""

import base64
import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import orjson

from channels.panels import loop
from channels.panels.bitmap import Bitmap
from channels.panels.compiler import Compiled, compile_notice
from channels.panels.model import Model
from channels.panels.pages import Page
from channels.panels.says import say
from hub import clock
from hub.contracts import Notice, OutletView, Refusal
from hub.vocabulary import Intent, Lane, Severity, Urgency

Prepare: TypeAlias = Callable[[Notice, Model, tuple[str, ...], int, str], "Item | Refusal"]
"""`prepare`, or one that remembers."""

VERSION: Final = 1
# A plan outlives a hub that is gone by this much; said again well before, so that a notice of a
# year does not vanish from a panel while the hub is alive.
KEEPS: Final = timedelta(days=30)
REFRESH: Final = timedelta(days=25)
FALLBACK: Final = {
    "comm_loss_min": 360,
    "on_comm_loss": "dated_items",
    "on_empty": "clock",
    "on_power_recovery": "resume_if_clock_ok",
}
ALONE: Final = loop.Placing()  # nothing asked by the outlet
_EVENTS: Final = frozenset({"event", "events", "agenda", "culture", "sport", "meeting"})


@dataclass(frozen=True, slots=True)
class Night:
    """Local hours "HH:MM" between which the face is dark, but for the kinds in `excepted`."""

    off: str
    on: str
    excepted: tuple[str, ...] = ("alert",)


@dataclass(frozen=True, slots=True)
class Item:
    """A notice as the plan carries it, with the pictures it names by their hash. `body` is shared
    between plans: never changed."""

    body: Mapping[str, Any]
    images: Mapping[str, Bitmap] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """A plan: `payload` are the exact bytes to sign and publish. `images`: the pictures it names.
    `pages`: of each publication it carries, in its order, as the hub keeps them; `evidence` has
    their hashes alone. All but the payload is shared by panels of a set that are told the same."""

    payload: bytes
    refused: Mapping[str, Refusal]
    next_change_at: datetime | None
    images: Mapping[str, Bitmap]
    pages: Mapping[str, tuple[Mapping[str, Any], ...]]
    evidence: Mapping[str, Any]


def make(
    view: OutletView,
    notices: Sequence[Notice],
    model: Model,
    now: datetime,
    *,
    languages: tuple[str, ...] = (),
    hold_ms: int | None = None,
    night: Night | None = None,
    placing: loop.Placing = ALONE,
    preparer: Prepare | None = None,
) -> Made:
    """The plan that says `notices` on the panel `view` under `view.say_no`.

    Notices that ended by `now` and withdrawals are left out. A notice that does not fit the face,
    or for which the panel has no room beside more pressing ones, is refused under its publication.
    """
    locale = (view.languages or ("fr",))[0]
    spoken = languages or view.languages[:1] or ("fr",)
    refused: dict[str, Refusal] = {}
    items: list[tuple[str, Item]] = []
    live = [n for n in notices if n.intent is not Intent.WITHDRAW and n.expires > now]
    earliest = sorted(live, key=lambda n: (start_of(n), n.publication))
    for notice in loop.in_turn(earliest, priority, lambda n: n.station):
        hold = hold_ms or model.hold_ms
        item = (preparer or prepare)(notice, model, tuple(spoken), hold, locale)
        if isinstance(item, Refusal):
            refused[notice.publication] = item
        elif len(items) == model.max_items:
            refused[notice.publication] = Refusal(
                "panel", say("items", locale, n=model.max_items), say("items_fix", locale)
            )
        else:
            items.append((notice.publication, item))
    by_publication = {notice.publication: notice for notice in live}
    bodies = loop.placed(
        [item.body for _, item in items], [by_publication[p] for p, _ in items], placing
    )
    items = [
        (publication, item if item.body is body else replace(item, body=body))
        for (publication, item), body in zip(items, bodies, strict=True)
    ]
    ends = [n.expires for n in live if n.publication not in refused]
    payload = _payload(view, items, _not_after(ends, now), now, night)
    while len(payload) > model.max_bytes and items:
        publication, _ = items.pop()  # the least pressing
        refused[publication] = Refusal(
            "panel", say("bytes", locale, n=model.max_bytes), say("bytes_fix", locale)
        )
        payload = _payload(view, items, _not_after(ends, now), now, night)
    images = {key: image for _, item in items for key, image in item.images.items()}
    return Made(
        payload=payload,
        refused=refused,
        next_change_at=now + REFRESH if max(ends, default=now) > now + KEEPS else None,
        images=images,
        pages={publication: _kept(item) for publication, item in items},
        evidence={
            "items": len(items),
            "pages": {p: [page["hash"] for page in item.body["pages"]] for p, item in items},
            "images": sorted(images),
        },
    )


class Maker:
    """`make` for the panels of one set. Panels that differ in nothing but their code and number, as
    most of a town's do, share all the work but a few bytes and the signature."""

    def __init__(self, preparer: Prepare | None = None) -> None:
        self._preparer = preparer
        self._made: dict[Hashable, tuple[Made, tuple[bytes, ...]]] = {}

    def make(
        self,
        view: OutletView,
        notices: Sequence[Notice],
        model: Model,
        now: datetime,
        *,
        languages: tuple[str, ...] = (),
        hold_ms: int | None = None,
        night: Night | None = None,
        placing: loop.Placing = ALONE,
    ) -> Made:
        """The same bytes as `make`."""
        # The notices live as long as the set: their ids stand for them.
        key = (
            tuple(map(id, notices)), model.name, now, languages, hold_ms, night,
            placing, view.authority, view.languages, view.timezone,
        )  # fmt: skip
        known = self._made.get(key)
        if known is not None:
            made, (head, middle, tail, end) = known
            code, say_no = view.code.encode(), str(view.say_no).encode()
            payload = b"".join((head, code, b"-", say_no, middle, code, tail, say_no, end))
            # Another length of code could let one item more or less fit.
            if not made.refused and len(payload) <= model.max_bytes:
                return replace(made, payload=payload)
        made = make(
            view,
            notices,
            model,
            now,
            languages=languages,
            hold_ms=hold_ms,
            night=night,
            placing=placing,
            preparer=self._preparer,
        )
        if known is None and (cut := _cut(made.payload, view)):
            self._made[key] = (made, cut)
        return made


def _cut(payload: bytes, view: OutletView) -> tuple[bytes, ...] | None:
    """The payload without the panel's code and number, in four parts."""
    marks = (
        f'"id":"{view.code}-{view.say_no}"',
        f'"panel":"{view.code}"',
        f'"plan_rev":{view.say_no}',
    )
    head, found, rest = payload.partition(marks[0].encode())
    middle, panel, rest = rest.partition(marks[1].encode())
    tail, rev, end = rest.partition(marks[2].encode())
    if not (found and panel and rev) or payload.count(b'"plan_rev":') != 1:
        return None
    return (head + b'"id":"', b'"' + middle + b'"panel":"', b'"' + tail + b'"plan_rev":', end)


def prepare(
    notice: Notice, model: Model, languages: tuple[str, ...], hold_ms: int, locale: str
) -> Item | Refusal:
    """A notice compiled for a face: the same for every panel of a model."""
    compiled = compile_notice(notice, model, languages, hold_ms, locale)
    if isinstance(compiled, Refusal):
        return compiled
    images = {page.hash: page.bitmap for page in compiled.pages if page.bitmap}
    return Item(_item(notice, compiled), images)


def start_of(notice: Notice) -> datetime:
    """When a panel begins to show it: at once where it takes effect now, though it speaks of a
    later onset (a closure is announced before it begins); an event some days before it."""
    return loop.begins(notice, kind(notice))


def priority(notice: Notice) -> int:
    """0 to 255 in bands: 10-59 permanent and agenda, 60-109 reminders, 110-159 works and closures,
    160-199 weather warnings and pressing cuts, 200-239 danger now; above is for civil protection.
    """
    if notice.lane is Lane.URGENT or notice.severity is Severity.EXTREME:
        base = 220 if notice.severity is Severity.EXTREME else 200
        return base + (10 if notice.urgency is Urgency.IMMEDIATE else 0)
    pressing = notice.urgency in (Urgency.IMMEDIATE, Urgency.EXPECTED)
    if notice.severity is Severity.SEVERE:
        return 190
    if notice.severity is Severity.MODERATE:
        if notice.cap_category == "Met" or notice.urgency is Urgency.IMMEDIATE:
            return 170 if pressing else 160
        return 140 if pressing else 130
    if notice.cap_category in ("Transport", "Infra"):
        return 120 if pressing else 110
    if pressing:
        return 80
    return 40 if notice.severity is Severity.MINOR else 30


def kind(notice: Notice) -> str:
    """alert, closure, reminder, event or info: what a panel may treat differently at night."""
    band = priority(notice)
    if band >= 160:
        return "alert"
    if band >= 110:
        return "closure" if notice.cap_category in ("Transport", "Infra") else "info"
    if notice.category in _EVENTS:
        return "event"
    return "reminder" if band >= 60 else "info"


def item_id(publication: str) -> str:
    """Stable over the revisions of a publication."""
    return "it-" + hashlib.sha256(publication.encode()).hexdigest()[:10]


def _item(notice: Notice, compiled: Compiled) -> dict[str, Any]:
    return {
        "activation": "preempt" if notice.lane is Lane.URGENT else "queue",
        "end": clock.rfc3339(notice.expires),
        "item": item_id(notice.publication),
        "kind": kind(notice),
        "pages": [_page(page) for page in compiled.pages],
        "priority": priority(notice),
        "pub": notice.publication,
        "rev": notice.revision,
        "start": clock.rfc3339(start_of(notice)),
        **loop.wishes(kind(notice)),
    }


def _page(page: Page) -> dict[str, Any]:
    """A page of lines, or of a picture that is kept under its hash; its words go with it."""
    body: dict[str, Any] = {"hash": page.hash, "hold_ms": page.hold_ms}
    lines = [line[:80] for line in page.lines if line or not page.bitmap]
    if lines:
        body["lines"] = lines
    if page.bitmap:
        body |= {
            "image": page.hash,
            "mode": page.bitmap.mode,
            "width": page.bitmap.width,
            "height": page.bitmap.height,
        }
    return body


def _kept(item: Item) -> tuple[Mapping[str, Any], ...]:
    pictures = {key: base64.b64encode(b.png()).decode() for key, b in item.images.items()}
    return tuple(
        {**page, "png": pictures[page["hash"]]} if page["hash"] in pictures else page
        for page in item.body["pages"]
    )


def _not_after(ends: Sequence[datetime], now: datetime) -> datetime:
    return min(max(ends, default=now + KEEPS), now + KEEPS)


def _payload(
    view: OutletView,
    items: Sequence[tuple[str, Item]],
    not_after: datetime,
    now: datetime,
    night: Night | None,
) -> bytes:
    dark = [{"except": list(night.excepted), "off": night.off, "on": night.on}] if night else []
    plan = {
        "authority": view.authority,
        "fallback": FALLBACK,
        "id": f"{view.code}-{view.say_no}",
        "items": [item.body for _, item in items],
        "night": dark,
        "not_after": clock.rfc3339(not_after),
        "panel": view.code,
        "plan_rev": view.say_no,
        "ts": clock.rfc3339(now),
        "tz": view.timezone,
        "v": VERSION,
    }
    return orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)
