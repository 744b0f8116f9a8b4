"""A worker's turns: slices of whichever push is next, until nothing is left for it to do.

A nudge names a delivery and wakes a worker; what it does is decided by the rows. After each slice
it asks whose turn it is (lanes), tells the displays that became due, and after two seconds goes
back to the queue, with a nudge to itself, so that a fan-out of minutes keeps nothing else waiting.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from hub import clock, db, nudges, stopping
from hub.contracts import AdapterFailure, Message, Outcome, TemporaryFailure
from hub.dispatch import closing, displays, endings, freezing, lanes, messengers, shards
from hub.dispatch.patience import persist
from hub.vocabulary import Intent, Lane

log = structlog.get_logger()

SLICE_S = 0.5
BUDGET_S = 2.0
# Where many wait, each is served about once in so long by one worker.
_LAP_S = 1.0
# A round takes a tenth of a second; where a host hangs, the rest of it is left to its next turn,
# long before the leases count as broken.
_ROUND_S = 2.0
_FIRST = 200
_LARGEST = 5_000
_LEAST = 10
# What a slice costs by itself is worth as many phones as this: smaller ones told nobody sooner.
_SMALL = 25


@dataclass(slots=True)
class _Pace:
    """How many phones a slice takes: what this process sent in half a second lately."""

    rate: float = _FIRST / SLICE_S
    last: int = _FIRST

    def size(self, waiting: int, begun: bool) -> int:
        """The first slice is small, so that it is known soon that the push is under way; where many
        wait it is a handful, and the next ones are small, so that all advance alike."""
        crowd = waiting > lanes.CROWD
        if not begun:
            return _LEAST if crowd else min(_FIRST, _LARGEST)
        seconds = _LAP_S / waiting if crowd else SLICE_S
        least = _SMALL if crowd else _LEAST
        return max(least, min(int(self.rate * seconds), self.last * 2, _LARGEST))

    def learn(self, sent: int, took: float) -> None:
        if sent >= _LEAST and took > 0:
            self.rate = sent / took
            # A slice may be small because it was the first or the last of its shard.
            self.last = max(sent, self.last // 2, _FIRST)


_pace = _Pace()
_busy = False


@dataclass(slots=True)
class _Desk:
    """What a worker has in hand during one nudge."""

    known: dict[int, "messengers.Speaking"] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    messages: dict[tuple[int, Intent], Message] = field(default_factory=dict)
    holding: tuple[int, int] | None = None  # delivery, shard
    useless: set[int] = field(default_factory=set)


def work(delivery_id: int) -> bool:
    """Take turns, beginning with this delivery's lane. False when there was nothing to do."""
    global _busy
    _busy = True
    try:
        return _turns(delivery_id)
    finally:
        _busy = False


def working() -> bool:
    """Whether this process is in the middle of it."""
    return _busy


def _turns(delivery_id: int) -> bool:
    desk = _Desk()
    began, did = clock.monotonic(), False
    turn = _first(delivery_id)
    while turn is not None:
        did |= _round(desk, turn)
        if desk.holding is None:
            _tell_displays()
        if stopping.asked():
            _hand_back(desk)
            break
        if clock.monotonic() - began > BUDGET_S and nudges.in_use():
            if _goes_to_the_end(turn):
                _hand_back(desk)
                break
            began = clock.monotonic()
        turn = _next(desk, turn)
    return did


def _goes_to_the_end(turn: lanes.Next) -> bool:
    """A nudge of one's own, behind what else waits in the queue; False while the queue is away."""
    try:
        nudges.send("delivery", turn.delivery_id, turn.lane)
    except Exception:
        log.warning("nudge lost", what="delivery")
        return False
    return True


def _first(delivery_id: int) -> lanes.Next | None:
    """The delivery of the nudge, unless somebody more pressing waits."""
    with db.reading(db.EVERYWHERE) as session:
        found = lanes.this_turn(session, delivery_id)
        if found is None or lanes.rests(session, found.lane):
            return None
        return lanes.next_turn(session, _as_pressing(found.lane)) or found


def _next(desk: _Desk, turn: lanes.Next) -> lanes.Next | None:
    if desk.holding is not None:
        return turn
    with db.reading(db.EVERYWHERE) as session:
        if lanes.rests(session, turn.lane):
            return None
        return lanes.next_turn(session, lanes.served(), desk.useless)


def _as_pressing(lane: Lane) -> list[Lane]:
    served = lanes.served()
    return list(served[: served.index(lane) + 1]) if lane in served else [lane]


def _tell_displays() -> None:
    with db.reading(db.EVERYWHERE) as session:
        due = lanes.displays_due(session, lanes.served()) if nudges.in_use() else []
    for outlet_id in due:
        displays.work(outlet_id)


def _round(desk: _Desk, turn: lanes.Next) -> bool:
    """A slice of the delivery whose turn it is, in a crowd of several; what is not told in shards
    is spoken whole. False: no use."""
    if not messengers.in_shards(turn.kind):
        if messengers.speak(turn.delivery_id):
            return True
        desk.useless.add(turn.delivery_id)
        return False
    if desk.holding is not None:
        turns = [turn]
    else:
        chosen = persist(lambda: lanes.round_of(turn, desk.useless))
        turns = [one for one in chosen if messengers.in_shards(one.kind)]
    asks = _asks(desk, turns)
    did = bool(asks) and _tell(desk, asks, keep=len(turns) == 1)
    if not did:
        desk.useless |= {one.delivery_id for one in turns}
    return did


def _asks(desk: _Desk, turns: Sequence[lanes.Next]) -> list[shards.Ask]:
    """What to ask of each delivery; without those that there is nothing to do for."""
    new = [one.delivery_id for one in turns if one.delivery_id not in desk.known]
    ready = persist(lambda: messengers.ready(new)) if new else []
    written = {speaking.delivery.id: audience for speaking, audience in ready}
    desk.known |= {speaking.delivery.id or 0: speaking for speaking, _ in ready}
    asks = []
    for turn in turns:
        speaking = desk.known.get(turn.delivery_id) or persist(
            lambda turn=turn: messengers.frame(turn.delivery_id)  # type: ignore[misc]
        )
        if speaking is None:
            desk.useless.add(turn.delivery_id)
            continue
        desk.known[turn.delivery_id] = speaking
        begun = speaking.delivery.first_at is not None or turn.delivery_id in desk.begun
        size = _pace.size(turn.waiting, begun)
        shard = desk.holding[1] if desk.holding else None
        asks.append(shards.Ask(speaking, size, shard, written.get(turn.delivery_id)))
    return asks


def _tell(desk: _Desk, asks: Sequence[shards.Ask], keep: bool) -> bool:
    """Open, wire, close; whether anything was told."""
    opened = persist(lambda: shards.open_(asks))
    for ask in asks:  # the rest of a large audience
        if ask.written is not None and len(ask.written.rows) > freezing.BATCH:
            freezing.write(ask.written, freezing.BATCH)
    idle = [ask.delivery_id for ask, piece in zip(asks, opened, strict=True) if piece is None]
    if idle:
        desk.useless |= set(idle)
        persist(lambda: _settle(idle))
    desk.holding = None
    spoken: list[closing.Spoken] = []
    began, sent = clock.monotonic(), 0
    for piece in opened:
        if piece is None:
            continue
        if sent and (stopping.asked() or clock.monotonic() - began > _ROUND_S):
            persist(lambda piece=piece: closing.give_back(piece.shard_id, ""))  # type: ignore[misc]
            continue
        outcomes = _speak(desk, piece)
        if outcomes is not None:
            spoken.append((piece, outcomes))
            sent += len(piece.targets)
    if not spoken:
        return False
    _pace.learn(sent, clock.monotonic() - began)
    closed = persist(lambda: closing.close(spoken, keep))
    if closed == [closing.Closing.GOES_ON]:
        piece = spoken[0][0]
        desk.holding = (piece.speaking.delivery.id or 0, piece.shard_id)
    return True


def _speak(desk: _Desk, piece: shards.Slice) -> list[Outcome] | None:
    """None when the call failed as a whole; that is written down."""
    delivery_id = piece.speaking.delivery.id or 0
    key = (delivery_id, piece.intent)
    desk.begun.add(delivery_id)
    try:
        if key not in desk.messages:
            desk.messages[key] = piece.speaking.message(piece.intent)
        return shards.wire(desk.messages[key], piece)
    except AdapterFailure as failure:
        trouble = failure
    except Exception as bug:
        log.exception("delivery failed", delivery=delivery_id, outlet=piece.speaking.outlet.code)
        trouble = TemporaryFailure(f"internal error: {type(bug).__name__}")
    persist(lambda: closing.give_back(piece.shard_id, trouble.reason))
    persist(lambda: messengers.put_back(piece.speaking, trouble))
    desk.useless.add(delivery_id)
    return None


def _settle(delivery_ids: Sequence[int]) -> None:
    with db.writing(db.EVERYWHERE) as session:
        endings.settle(session, delivery_ids)


def _hand_back(desk: _Desk) -> None:
    if desk.holding is not None:
        shard_id = desk.holding[1]
        desk.holding = None
        persist(lambda: closing.give_back(shard_id, ""))
