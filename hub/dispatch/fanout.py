"""A worker's turns: slices of whichever push is next, until nothing is left for it to do.

A nudge names a delivery and wakes a worker; what it does is decided by the rows. After each slice
it asks whose turn it is (lanes), tells the displays that became due, and after two seconds goes
back to the queue, with a nudge to itself, so that a fan-out of minutes keeps nothing else waiting.
"""

from dataclasses import dataclass, field

import structlog

from hub import clock, db, nudges, stopping
from hub.contracts import AdapterFailure, Message, TemporaryFailure
from hub.dispatch import displays, endings, lanes, messengers, shards
from hub.dispatch.patience import persist
from hub.vocabulary import Intent, Lane

log = structlog.get_logger()

SLICE_S = 0.5
BUDGET_S = 2.0
_FIRST = 200
_LARGEST = 5_000
_LEAST = 10
_CROWD = 8
_SHORTEST_S = 0.02


@dataclass(slots=True)
class _Pace:
    """How many phones a slice takes: what this process sent in half a second lately."""

    rate: float = _FIRST / SLICE_S
    last: int = _FIRST

    def size(self, waiting: int, begun: bool) -> int:
        """Where many wait the first slice is a handful, so that each is begun soon, and the next
        ones share four seconds."""
        if waiting > _CROWD and not begun:
            return _LEAST
        seconds = max(_SHORTEST_S, min(SLICE_S, 4.0 / max(waiting, 1)))
        return max(_LEAST, min(int(self.rate * seconds), self.last * 2, _LARGEST))

    def learn(self, sent: int, took: float) -> None:
        if sent >= _LEAST and took > 0:
            self.rate = sent / took
            self.last = max(sent, _FIRST)


_pace = _Pace()
_busy = False


@dataclass(slots=True)
class _Desk:
    """What a worker has in hand during one nudge."""

    known: dict[int, "messengers.Speaking"] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    messages: dict[tuple[int, Intent], Message] = field(default_factory=dict)
    holding: tuple[int, int] | None = None  # delivery, shard


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
    desk, useless = _Desk(), set[int]()
    began, did = clock.monotonic(), False
    turn = _first(delivery_id)
    while turn is not None:
        if _slice(desk, turn):
            did = True
        else:
            useless.add(turn.delivery_id)
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
        turn = _next(desk, turn, useless)
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


def _next(desk: _Desk, turn: lanes.Next, useless: set[int]) -> lanes.Next | None:
    if desk.holding is not None:
        return turn
    with db.reading(db.EVERYWHERE) as session:
        if lanes.rests(session, turn.lane):
            return None
        return lanes.next_turn(session, lanes.served(), useless)


def _as_pressing(lane: Lane) -> list[Lane]:
    served = lanes.served()
    return list(served[: served.index(lane) + 1]) if lane in served else [lane]


def _tell_displays() -> None:
    with db.reading(db.EVERYWHERE) as session:
        due = lanes.displays_due(session, lanes.served()) if nudges.in_use() else []
    for outlet_id in due:
        displays.work(outlet_id)


def _slice(desk: _Desk, turn: lanes.Next) -> bool:
    """One slice of the delivery; what is not told in shards is spoken whole. False: no use."""
    delivery_id = turn.delivery_id
    speaking = desk.known.get(delivery_id)
    if speaking is None:
        if not messengers.in_shards(turn.kind):
            return messengers.speak(delivery_id)
        begun_now = None if turn.frozen else messengers.begin(delivery_id)
        if begun_now:
            speaking, shard = begun_now
            desk.holding = (delivery_id, shard) if shard else None
        else:
            speaking = persist(lambda: messengers.frame(delivery_id))
        if speaking is None:
            return False
        desk.known[delivery_id] = speaking
    if desk.holding is None:
        shard_id = persist(lambda: shards.claim(delivery_id))
        if shard_id is None:
            persist(lambda: _settle(delivery_id))
            return False
        desk.holding = (delivery_id, shard_id)
    shard_id = desk.holding[1]
    try:
        begun = speaking.delivery.first_at is not None or delivery_id in desk.begun
        desk.begun.add(delivery_id)
        return _tell(desk, speaking, shard_id, _pace.size(turn.waiting, begun))
    except AdapterFailure as failure:
        trouble = failure
    except Exception as bug:
        log.exception("delivery failed", delivery=delivery_id, outlet=speaking.outlet.code)
        trouble = TemporaryFailure(f"internal error: {type(bug).__name__}")
    desk.holding = None
    persist(lambda: shards.give_back(shard_id, trouble.reason))
    persist(lambda: messengers.put_back(speaking, trouble))
    return False


def _tell(desk: _Desk, speaking: "messengers.Speaking", shard_id: int, size: int) -> bool:
    piece = persist(lambda: shards.open_(speaking, shard_id, size))
    if piece is None:
        desk.holding = None
        persist(lambda: _settle(speaking.delivery.id or 0))
        return False
    key = (speaking.delivery.id or 0, piece.intent)
    if key not in desk.messages:
        desk.messages[key] = speaking.message(piece.intent)
    began = clock.monotonic()
    outcomes = shards.wire(speaking, desk.messages[key], piece)
    _pace.learn(len(piece.targets), clock.monotonic() - began)
    closing = persist(lambda: shards.close(speaking, piece, outcomes))
    if closing is not shards.Closing.GOES_ON:
        desk.holding = None
    return True


def _settle(delivery_id: int) -> None:
    with db.writing(db.EVERYWHERE) as session:
        endings.settle(session, delivery_id)


def _hand_back(desk: _Desk) -> None:
    if desk.holding is not None:
        shard_id = desk.holding[1]
        desk.holding = None
        persist(lambda: shards.give_back(shard_id, ""))
