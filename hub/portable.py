"""Subscribers are portable: all of a hub's phones, with the push identities they are bound to, in
one open file (JSON Lines), and back again on another hub.

A browser's subscription works only under the key pair it was made with, so the file holds these
pairs, encrypted with a passphrase (scrypt, RFC 7914, and AES-256-GCM): docs/push.md.
"""

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TextIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import insert
from sqlmodel import Session, col, select

from hub import audience, cells, clock, db, nudges, vault
from hub.devices import Device, Gate, check, plain
from hub.models import Authority, Follow, FollowCell, PushIdentity, Station, Subscription
from hub.vocabulary import Lane, Severity

FORMAT: Final = "tambour-subscriptions"
VERSION: Final = 1
_BATCH: Final = 2_000
_LONGEST_LINE: Final = 16_384
_LEAST_PASSPHRASE: Final = 12
_SCRYPT: Final = {"n": 2**16, "r": 8, "p": 1}  # 64 MB and a tenth of a second for each guess
_MOST_SCRYPT: Final = 2**18


class NotPortable(ValueError):
    """The file or the passphrase cannot be used; the text says why. Nothing was kept."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Follow(_Strict):
    station: str = Field(max_length=200)
    categories: list[str] = Field(default_factory=list, max_length=100)


class _Line(_Strict):
    """A phone. `identity` is the number of its key pair in the header."""

    identity: int
    endpoint: str = Field(max_length=1024)
    p256dh: str = Field(max_length=200)
    auth: str = Field(max_length=100)
    token_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    state: str = Field(pattern="^(new|active|dormant)$")
    language: str = Field("fr", max_length=35)
    min_severity: Severity = Severity.UNKNOWN
    cells: list[str] = Field(default_factory=list, max_length=cells.MOST_CHOSEN)
    created: str = ""
    follows: list[_Follow] = Field(default_factory=list, max_length=200)


@dataclass(slots=True)
class Report:
    """What an import did. `refused`: (line, reason), the first hundred."""

    taken: int = 0
    known: int = 0
    follows: int = 0
    refused_count: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    unknown_stations: set[str] = field(default_factory=set)

    def refuse(self, line: int, reason: str) -> None:
        self.refused_count += 1
        if len(self.refused) < 100:
            self.refused.append((line, reason))

    def as_json(self) -> dict[str, Any]:
        return {
            "taken": self.taken,
            "known": self.known,
            "follows": self.follows,
            "refused": self.refused_count,
            "reasons": [{"line": line, "reason": reason} for line, reason in self.refused],
            "unknown_stations": sorted(self.unknown_stations),
        }


def write(out: TextIO, passphrase: str, authority_id: int | None = None) -> int:
    """Write every phone (or those that follow stations of one authority, with these follows only);
    how many. Read in turns of 2,000: memory does not grow with the town."""
    if len(passphrase) < _LEAST_PASSPHRASE:
        raise NotPortable(f"The passphrase needs at least {_LEAST_PASSPHRASE} characters.")
    with db.reading(db.EVERYWHERE) as session:
        identities = session.exec(select(PushIdentity).order_by(col(PushIdentity.id))).all()
        pairs = [
            {
                "id": row.id,
                "hostname": row.hostname,
                "public_key": row.public_key,
                "private_key": vault.unseal(row.private_key, "push-identity").decode(),
                "retired": clock.rfc3339(row.retired) if row.retired else None,
            }
            for row in identities
        ]
    head = {
        "format": FORMAT,
        "version": VERSION,
        "created": clock.rfc3339(clock.now()),
        "identities": _encrypt(json.dumps(pairs).encode(), passphrase),
    }
    out.write(json.dumps(head) + "\n")
    count = last = 0
    while True:
        with db.reading(db.EVERYWHERE) as session:
            lines, last = _page(session, last, authority_id)
        if not lines and not last:
            return count
        for line in lines:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
        count += len(lines)


def _page(
    session: Session, after: int, authority_id: int | None
) -> tuple[list[dict[str, Any]], int]:
    """(lines, the last id looked at: 0 at the end)."""
    rows = session.exec(
        select(Subscription)
        .where(col(Subscription.id) > after, Subscription.state != "gone")
        .order_by(col(Subscription.id))
        .limit(_BATCH)
    ).all()
    if not rows:
        return [], 0
    follows: dict[int, list[dict[str, Any]]] = {}
    statement = (
        select(Follow.subscription_id, Station.code, Follow.categories)
        .join(Station, col(Station.id) == Follow.station_id)
        .where(col(Follow.subscription_id).between(rows[0].id, rows[-1].id))
        .order_by(Station.code)
    )
    if authority_id is not None:
        statement = statement.where(Follow.authority_id == authority_id)
    for phone, code, wished in session.exec(statement).all():
        follows.setdefault(phone, []).append({"station": code, "categories": wished})
    lines = [
        {
            "identity": row.push_identity_id,
            "endpoint": row.endpoint,
            "p256dh": row.p256dh,
            "auth": row.auth,
            "token_hash": row.token_hash,
            "state": row.state,
            "language": row.language,
            "min_severity": row.min_severity,
            "cells": row.cells,
            "created": clock.rfc3339(row.created),
            "follows": follows.get(row.id or 0, []),
        }
        for row in rows
        if authority_id is None or row.id in follows
    ]
    return lines, rows[-1].id or 0


def read(lines: Iterable[str], passphrase: str) -> Report:
    """Take in a file that `write` made. A phone that is here already stays as it is; one whose line
    is wrong is refused and named; stations that this hub does not have are named and left out. Kept
    in turns of 2,000, so a file that breaks off can simply be read again. Raises NotPortable."""
    numbered = enumerate(lines, 1)
    head = _head(next(numbered, (1, ""))[1])
    with db.writing(db.EVERYWHERE) as session:
        identities = _take_identities(session, head, passphrase)
    report = Report()
    gate = Gate.of_settings()
    for batch in _batches(numbered):
        with db.writing(db.EVERYWHERE) as session:
            _take(session, batch, identities, gate, report)
    return report


def _head(line: str) -> dict[str, Any]:
    try:
        head = json.loads(line[:1_000_000])
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise NotPortable(f"Line 1 is not the header of a {FORMAT} file.")
    if head.get("version") != VERSION:
        raise NotPortable(f"Version {head.get('version')} is not known here; {VERSION} is.")
    return head


def _take_identities(session: Session, head: Mapping[str, Any], passphrase: str) -> dict[int, int]:
    """Number in the file → row here."""
    found = {}
    for pair in json.loads(_decrypt(head.get("identities"), passphrase)):
        row = session.exec(
            select(PushIdentity).where(PushIdentity.public_key == pair["public_key"])
        ).first()
        if row is None:
            row = PushIdentity(
                hostname=pair["hostname"],
                public_key=pair["public_key"],
                private_key=vault.seal(pair["private_key"], "push-identity"),
                retired=clock.now() if pair.get("retired") else None,
            )
            session.add(row)
            session.flush()
        found[int(pair["id"])] = row.id or 0
    return found


def _batches(numbered: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    batch: list[tuple[int, str]] = []
    for number, line in numbered:
        if line.strip():
            batch.append((number, line))
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _take(
    session: Session,
    batch: Sequence[tuple[int, str]],
    identities: Mapping[int, int],
    gate: Gate,
    report: Report,
) -> None:
    lines = _checked(batch, identities, gate, report)
    endpoints = [line.endpoint for line, _ in lines.values()]
    hashes = [line.token_hash for line, _ in lines.values()]
    known = set(
        session.exec(
            select(Subscription.endpoint).where(col(Subscription.endpoint).in_(endpoints))
        ).all()
    )
    taken = set(
        session.exec(
            select(Subscription.token_hash).where(col(Subscription.token_hash).in_(hashes))
        ).all()
    )
    fresh: list[tuple[_Line, str]] = []
    for number, (line, host) in lines.items():
        if line.endpoint in known:
            report.known += 1
        elif line.token_hash in taken:
            report.refuse(number, "token_hash: another phone here has this token")
        else:
            fresh.append((line, host))
            taken.add(line.token_hash)
            known.add(line.endpoint)
    if not fresh:
        return
    session.execute(insert(Subscription), [_row(line, host, identities) for line, host in fresh])
    ids = dict(
        session.exec(
            select(Subscription.endpoint, Subscription.id).where(
                col(Subscription.endpoint).in_([line.endpoint for line, _ in fresh])
            )
        ).all()
    )
    report.taken += len(fresh)
    for line, _ in fresh:
        if line.state == "new":
            _confirm_soon(session, ids[line.endpoint] or 0)
    report.follows += _follow(session, [(ids[x.endpoint] or 0, x) for x, _ in fresh], report)


def _confirm_soon(session: Session, phone: int) -> None:
    db.after_commit(session, lambda: nudges.send("confirm", phone, Lane.NORMAL))


def _checked(
    batch: Sequence[tuple[int, str]],
    identities: Mapping[int, int],
    gate: Gate,
    report: Report,
) -> dict[int, tuple[_Line, str]]:
    """Line number → (line, push host), of those that can be taken."""
    good: dict[int, tuple[_Line, str]] = {}
    for number, text in batch:
        try:
            if len(text) > _LONGEST_LINE:
                raise ValueError(f"longer than {_LONGEST_LINE} characters")
            line = _Line.model_validate_json(text)
            if line.identity not in identities:
                raise ValueError(f"identity: the header has no number {line.identity}")
            for cell in line.cells:
                cells.number(cell)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "line"
            report.refuse(number, f"{where}: {first['msg']}")
            continue
        except ValueError as error:
            report.refuse(number, str(error))
            continue
        errors: list[tuple[str, str]] = []
        host, trusted = check(Device(line.endpoint, line.p256dh, line.auth), gate, errors)
        if errors:
            report.refuse(number, f"{errors[0][0]}: {errors[0][1]}")
            continue
        if not trusted and line.state != "new":  # another hub's word is not our confirmation
            line.state = "new"
        good[number] = (line, host)
    return good


def _row(line: _Line, host: str, identities: Mapping[int, int]) -> dict[str, Any]:
    return {
        "token_hash": line.token_hash,
        "push_identity_id": identities[line.identity],
        "endpoint": line.endpoint,
        "host": host,
        "p256dh": plain(line.p256dh),
        "auth": plain(line.auth),
        "state": line.state,
        "confirm": base64.urlsafe_b64encode(os.urandom(12)).decode() if line.state == "new" else "",
        "language": line.language,
        "min_severity": line.min_severity.value,
        "cells": line.cells,
    }


def _follow(session: Session, phones: Sequence[tuple[int, _Line]], report: Report) -> int:
    codes = {follow.station for _, line in phones for follow in line.follows}
    stations = {
        code: (station_id, authority_id, territory)
        for code, station_id, authority_id, territory in session.exec(
            select(Station.code, Station.id, Station.authority_id, Authority.territory)
            .join(Authority, col(Authority.id) == Station.authority_id)
            .where(col(Station.code).in_(sorted(codes)))
        ).all()
    }
    report.unknown_stations |= codes - stations.keys()
    masked: dict[tuple[str, ...], int] = {}
    rows, placed = [], []
    for phone, line in phones:
        for follow in {f.station: f for f in line.follows if f.station in stations}.values():
            station_id, authority_id, territory = stations[follow.station]
            wished = tuple(sorted(set(follow.categories)))
            if wished not in masked:
                masked[wished] = audience.mask(session, wished)
            row = Follow(
                authority_id=authority_id,
                subscription_id=phone,
                station_id=station_id or 0,
                categories=list(wished),
                wishes=masked[wished],
                least=audience.severity_rank(line.min_severity),
                reach=audience.REACH.get(line.state, 0),
            )
            rows.append(row.model_dump(exclude={"id"}))
            placed += audience.cell_rows(row, line.cells, territory)
    if rows:
        session.execute(insert(Follow), rows)
        session.execute(insert(FollowCell), placed)
    return len(rows)


def _encrypt(text: bytes, passphrase: str) -> dict[str, Any]:
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_key(passphrase, salt, **_SCRYPT)).encrypt(nonce, text, FORMAT.encode())
    code: Callable[[bytes], str] = lambda raw: base64.b64encode(raw).decode()  # noqa: E731
    return {
        "kdf": "scrypt",
        **_SCRYPT,
        "salt": code(salt),
        "cipher": "AES-256-GCM",
        "nonce": code(nonce),
        "sealed": code(sealed),
    }


def _decrypt(box: Any, passphrase: str) -> bytes:
    try:
        raw = {
            key: base64.b64decode(box[key], validate=True) for key in ("salt", "nonce", "sealed")
        }
        cost = {key: int(box[key]) for key in ("n", "r", "p")}
        if cost["n"] * cost["r"] * cost["p"] > _MOST_SCRYPT * 8 or box["kdf"] != "scrypt":
            raise ValueError("cost")
        key = _key(passphrase, raw["salt"], **cost)
        return AESGCM(key).decrypt(raw["nonce"], raw["sealed"], FORMAT.encode())
    except InvalidTag:
        raise NotPortable("The passphrase is not the one this file was made with.") from None
    except (KeyError, TypeError, ValueError):
        raise NotPortable("The identities of the header cannot be read.") from None


def _key(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode())
