"""Who follows: the phones of an audience, as sorted ids; and how many, before sending.

Selection is one scan of a covering index for each station, done by the database, whose answer comes
back as one text (SQLite) or one array (PostgreSQL) and is read by numpy: a million ids are a few
megabytes and no Python object each. What the index says of a phone is kept here, too.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, text, update
from sqlmodel import Session, col, select

from hub import cells, memos
from hub.contracts import Notice
from hub.models import Authority, Follow, FollowCell, Memo, Station, Subscription
from hub.rules.plan import Audience
from hub.vocabulary import SEVERITY_ORDER, Lane, Severity

Ids = NDArray[np.int64]

REACH: Mapping[str, int] = {"active": 2, "dormant": 1}
_BITS = "wishes"  # the memo that says which bit is which category
_MOST_BITS = 62

_EVERYBODY = """SELECT subscription_id FROM follow WHERE station_id = :station"""
# CROSS JOIN: SQLite then keeps this order, ranges outside, one dip into the index for each; the
# other way round it read a hundred thousand rows for every range (4 s instead of 20 ms).
_BY_CELL = """SELECT f.subscription_id FROM {ranges} CROSS JOIN follow_cell f
    WHERE f.station_id = :station AND f.cell >= r.lo AND f.cell <= r.hi"""
_RANGES = {
    "sqlite": """(SELECT json_extract(value, '$[0]') lo, json_extract(value, '$[1]') hi
        FROM json_each(:ranges)) r""",
    "postgresql": """(SELECT (value->>0)::bigint lo, (value->>1)::bigint hi
        FROM json_array_elements(CAST(:ranges AS json))) r""",
}


def phones(
    session: Session, authority_id: int, audience: Audience, notice: Notice, lane: str
) -> Ids:
    """Sorted, distinct ids of the subscriptions to tell. Wished categories and the minimum severity
    never filter urgent; dormant phones are told urgent things only. An audience near an area holds
    the phones that chose a cell of it, and those that chose none."""
    parts = [
        ids
        for one in (audience, *audience.also)
        for ids in _of_one(session, authority_id, one, notice, lane)
    ]
    if len(parts) == 1 and (len(parts[0]) < 2 or bool((np.diff(parts[0]) > 0).all())):
        return parts[0]  # as the index gave it
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)


def _of_one(
    session: Session, authority_id: int, audience: Audience, notice: Notice, lane: str
) -> Iterable[Ids]:
    stations = select(Station.id).where(Station.authority_id == authority_id)
    if not audience.everyone:
        stations = stations.where(col(Station.code).in_(sorted(audience.stations)))
    urgent = lane == Lane.URGENT
    conditions, values = ["reach >= :reach"], {"reach": 1 if urgent else 2}
    if not urgent and audience.wishes:
        bit = bits(session).get(notice.category)
        conditions.append("wishes = 0" if bit is None else "(wishes = 0 OR wishes & :wished <> 0)")
        if bit is not None:
            values["wished"] = 1 << bit
    if not urgent and notice.severity is not Severity.UNKNOWN:
        conditions.append("least <= :weight")
        values["weight"] = SEVERITY_ORDER[notice.severity]
    statement, more = _EVERYBODY, dict[str, Any]()
    if audience.within_m is not None and notice.area is not None:
        dialect = session.get_bind().dialect.name
        statement = _BY_CELL.format(ranges=_RANGES[dialect])
        cover = [(0, 0), *cells.cover(notice.area, audience.within_m)]
        more["ranges"] = json.dumps(cover)
    whole = " AND ".join([statement, *conditions])
    for station in session.exec(stations).all():
        yield _ids(session, whole, {**values, **more, "station": station})


def _ids(session: Session, statement: str, values: Mapping[str, Any]) -> Ids:
    if session.get_bind().dialect.name == "postgresql":
        return _sent(session, statement, values)
    joined = session.execute(
        text(f"SELECT group_concat(subscription_id) FROM ({statement})"), dict(values)
    ).scalar()
    return np.fromstring(joined, np.int64, sep=",") if joined else np.empty(0, np.int64)


# array_send: 20 bytes of head, then 4 of length and 8 of number for each (the binary form of an
# array, PostgreSQL's src/backend/utils/adt/arrayfuncs.c). A fifth of the time of COPY's rows.
_ELEMENT = np.dtype([("length", ">i4"), ("id", ">i8")])
_HEAD = 20


def _sent(session: Session, statement: str, values: Mapping[str, Any]) -> Ids:
    raw: Any = session.connection().connection.driver_connection
    for name in values:
        statement = statement.replace(f":{name}", f"%({name})s")
    with raw.cursor(binary=True) as cursor:
        # Not prepared: the sixth time PostgreSQL would plan it without the values, for all of them,
        # and read the whole table for every range (5 s instead of 60 ms).
        cursor.execute(
            f"SELECT array_send(array_agg(subscription_id)) FROM ({statement}) q",
            dict(values),
            prepare=False,
        )
        (body,) = cursor.fetchone()
    if body is None:
        return np.empty(0, np.int64)
    return np.frombuffer(body, _ELEMENT, offset=_HEAD)["id"].astype(np.int64)


def bits(session: Session) -> dict[str, int]:
    """category → its bit in `wishes`, for the categories that anybody ever wished."""
    memo = memos.read(session, _BITS)
    known: dict[str, int] = json.loads(memo.text) if memo and memo.text else {}
    return known


def mask(session: Session, wished: Collection[str]) -> int:
    """The wished categories as bits; 0 for none, which means all. A category keeps its bit for
    good, whatever becomes of the file of categories. Past 62 of them the last bit is shared: such a
    phone hears a little more than it asked for, never less."""
    if not wished:
        return 0
    known = bits(session)
    if set(wished) - known.keys():
        memo = session.exec(select(Memo).where(Memo.name == _BITS).with_for_update()).first()
        memo = memo or Memo(name=_BITS, number=0)
        known = json.loads(memo.text) if memo.text else {}
        for key in sorted(set(wished) - known.keys()):
            known[key] = min(len(known), _MOST_BITS - 1)
        memo.text = json.dumps(known)
        session.add(memo)
        session.flush()
    found = 0
    for key in wished:
        found |= 1 << known[key]
    return found


def index(session: Session, row: Subscription) -> None:
    """Write anew what the indexes say of a phone, after a change of its state, cells or follows."""
    follows = session.exec(
        select(Follow, Authority.territory)
        .join(Authority, col(Authority.id) == Follow.authority_id)
        .where(Follow.subscription_id == row.id)
    ).all()
    session.execute(delete(FollowCell).where(col(FollowCell.subscription_id) == row.id))
    made = []
    for follow, territory in follows:
        follow.wishes = mask(session, follow.categories)
        follow.least = severity_rank(row.min_severity)
        follow.reach = REACH.get(row.state, 0)
        session.add(follow)
        made += cell_rows(follow, row.cells, territory)
    session.flush()
    if made:
        session.execute(insert(FollowCell), made)


def cell_rows(
    follow: Follow, chosen: Sequence[str], territory: Mapping[str, Any] | None
) -> list[dict[str, int]]:
    """The rows of follow_cell for a follow row and the cells of its phone. Of a town in whose
    territory it chose none it follows the whole: cells chosen at home say nothing of elsewhere."""
    there = [cells.number(c) for c in chosen]
    if there and territory:
        cover = _territory(json.dumps(territory, sort_keys=True))
        there = [cell for cell in there if cells.inside(cell, cover)]
    return [
        {
            "station_id": follow.station_id,
            "cell": cell,
            "subscription_id": follow.subscription_id,
            "wishes": follow.wishes,
            "least": follow.least,
            "reach": follow.reach,
        }
        for cell in (there or [0])
    ]


@lru_cache(maxsize=256)
def _territory(written: str) -> list[cells.Range]:
    return cells.cover(json.loads(written))


def set_reach(session: Session, ids: Sequence[int], state: str) -> None:
    """These phones became active or dormant."""
    for table in (Follow, FollowCell):
        session.execute(
            update(table)
            .where(col(table.subscription_id).in_(ids))
            .values(reach=REACH.get(state, 0))
            .execution_options(synchronize_session=False)
        )


def severity_rank(severity: str) -> int:
    """The rank of a minimum severity as subscriptions hold it."""
    return SEVERITY_ORDER.get(Severity(severity), 0)
