"""Phones that follow a station: anonymous rows of endpoint, keys, stations and wishes.

A phone is known by a random token of 256 bits, of which only the SHA-256 is kept. Its endpoint is
an address that a stranger gives us, so it passes the address policy; and a push host that we do not
know joins no audience before the phone echoes the nonce of a confirmation push: else anybody could
make this hub post at will to a server of his choice.

Subscriptions are the instance's: the sessions here are of scope EVERYWHERE.
"""

import json
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import delete
from sqlmodel import Session, col, select

from hub import audience, cells, clock, db, outlets, registry, settings, vault
from hub import categories as known_categories
from hub.contracts import Message, Outcome, Target
from hub.devices import Device, Gate, check, plain, to_base64
from hub.models import Follow, PushIdentity, Station, Subscription
from hub.vocabulary import Intent, Lane, Severity

_MOST_STATIONS = 100
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_CONFIRM_TTL_S = 600


class Refused(ValueError):
    """What cannot be taken; `errors` is a list of (field, reason)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in errors))
        self.errors = errors


class Taken(Refused):
    """The endpoint is registered with other keys: whoever asks has not shown that it is his."""


class UnknownToken(LookupError):
    """No subscription has this token."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the phone wants. None: as it was, or by default (all categories, every severity, the
    whole territory). `cells`: H3 cells of resolution 8, in hexadecimal, that it cares for."""

    stations: Sequence[str] | None = None
    categories: Sequence[str] | None = None
    language: str | None = None
    min_severity: str | None = None
    cells: Sequence[str] | None = None


def create(
    session: Session, device: Device, wishes: Wishes, gate: Gate, hostname: str
) -> tuple[Subscription, str]:
    """(the row, its token: shown once). The same device again updates its row and gets a new
    token; state "new" means that a confirmation push has to be sent and echoed.

    Raises Refused naming every field at fault, or Taken.
    """
    errors: list[tuple[str, str]] = []
    host, known = check(device, gate, errors)
    stations = _check_wishes(session, wishes, errors)
    if not wishes.stations:
        errors.append(("stations", "Name at least one station to follow."))
    identity = _identity_of(session, device, hostname, errors)
    if errors:
        raise Refused(errors)
    row = session.exec(select(Subscription).where(Subscription.endpoint == device.endpoint)).first()
    if row is not None and not _same_keys(row, device):
        raise Taken([("endpoint", "This endpoint is registered with other keys.")])
    if row is None:
        row = Subscription(token_hash="", push_identity_id=0, endpoint="", p256dh="", auth="")
    token = secrets.token_urlsafe(32)
    row.token_hash = vault.hash_token(token)
    confirmed = row.id is not None and row.state != "new"
    _set_device(row, device, host, identity, known or confirmed)
    _set_wishes(row, wishes)
    session.add(row)
    session.flush()
    _follow(session, row, stations, list(wishes.categories or ()))
    audience.index(session, row)
    return row, token


def change(
    session: Session,
    token: str,
    wishes: Wishes,
    gate: Gate,
    hostname: str,
    *,
    device: Device | None = None,
    confirm: str | None = None,
) -> Subscription:
    """Change what is given. `device`: the browser renewed its subscription; the row and the token
    stay. `confirm`: the nonce of the confirmation push. Raises UnknownToken, Refused, Taken."""
    row = find(session, token)
    errors: list[tuple[str, str]] = []
    stations = _check_wishes(session, wishes, errors)
    if wishes.stations is not None and not wishes.stations:
        errors.append(("stations", "Name at least one station, or unsubscribe."))
    if confirm is not None and row.state == "new":
        if row.confirm and secrets.compare_digest(row.confirm.encode(), confirm.encode()):
            row.state, row.confirm = "active", ""
        else:
            errors.append(("confirm", "It is not the nonce that was sent last."))
    if device is not None:
        host, known = check(device, gate, errors)
        identity = _identity_of(session, device, hostname, errors)
        other = session.exec(
            select(Subscription).where(
                Subscription.endpoint == device.endpoint, Subscription.id != row.id
            )
        ).first()
        if other is not None:
            if not _same_keys(other, device):
                raise Taken([("endpoint", "This endpoint is registered with other keys.")])
            _delete(session, [other.id or 0])
        if not errors:
            same = row.endpoint == device.endpoint and row.state != "new"
            _set_device(row, device, host, identity, known or same)
    if errors:
        raise Refused(errors)
    _set_wishes(row, wishes)
    row.seen = clock.now()
    session.add(row)
    session.flush()
    if wishes.stations is not None or wishes.categories is not None:
        _refollow(session, row, wishes, stations)
    audience.index(session, row)
    return row


def remove(session: Session, token: str) -> None:
    """Forget the phone altogether. Raises UnknownToken."""
    _delete(session, [find(session, token).id or 0])


def find(session: Session, token: str) -> Subscription:
    """The row of a token. Raises UnknownToken."""
    row = session.exec(
        select(Subscription).where(Subscription.token_hash == vault.hash_token(token))
    ).first()
    if row is None or row.state == "gone":
        raise UnknownToken("No subscription has this token.")
    return row


def followed(session: Session, subscription: Subscription) -> tuple[list[str], list[str]]:
    """(station codes, wished categories) of a subscription, sorted."""
    rows = session.exec(
        select(Station.code, Follow.categories)
        .join(Follow, col(Follow.station_id) == Station.id)
        .where(Follow.subscription_id == subscription.id)
        .order_by(Station.code)
    ).all()
    return [code for code, _ in rows], sorted({c for _, wished in rows for c in wished})


def find_identity(session: Session, hostname: str) -> PushIdentity | None:
    """The key pair in force for a host name, if there is one."""
    return session.exec(
        select(PushIdentity)
        .where(PushIdentity.hostname == hostname, col(PushIdentity.retired).is_(None))
        .order_by(col(PushIdentity.id))
        .limit(1)
    ).first()


def current_identity(session: Session, hostname: str) -> PushIdentity:
    """The key pair that new subscriptions of a host name are made under; made on first use."""
    identity = find_identity(session, hostname)
    if identity is not None:
        return identity
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    scalar = private.private_numbers().private_value.to_bytes(32, "big")
    identity = PushIdentity(
        hostname=hostname,
        public_key=to_base64(point),
        private_key=vault.seal(to_base64(scalar), "push-identity"),
    )
    session.add(identity)
    session.flush()
    return identity


def hostname_for(session: Session, asked: str) -> str:
    """The host name whose identity a visitor of `asked` gets: a town's own one where it has an
    identity here, else the hub's. A Host header alone must not make a row."""
    own = session.exec(select(PushIdentity.id).where(PushIdentity.hostname == asked)).first()
    if own is not None:
        return asked
    address = settings.get().url.partition("://")[2].partition("/")[0]
    return address.rpartition("@")[2].partition(":")[0]


def confirmation(subscription: Subscription, identity: PushIdentity) -> tuple[Message, Target]:
    """The confirmation push of a subscription in state "new": its worker echoes the nonce."""
    payload = {"confirm": subscription.confirm, "lang": subscription.language}
    message = Message(
        body=json.dumps(payload).encode(),
        intent=Intent.PUBLISH,
        key=f"confirm.{subscription.id}",
        ttl_s=_CONFIRM_TTL_S,
        lane=Lane.NORMAL,
        extra={"topic": "confirm"},
    )
    extra = {
        "p256dh": subscription.p256dh,
        "auth": subscription.auth,
        "language": subscription.language,
        "identity": {
            "public_key": identity.public_key,
            "private_key": vault.unseal(identity.private_key, "push-identity").decode(),
        },
    }
    return message, Target(key=message.key, address=subscription.endpoint, extra=extra)


def send_confirmation(subscription_id: int) -> Outcome | None:
    """Send it; None when there is nothing to confirm any more. No session is open meanwhile."""
    with db.reading(db.EVERYWHERE) as session:
        row = session.get(Subscription, subscription_id)
        if row is None or row.state != "new":
            return None
        identity = session.get_one(PushIdentity, row.push_identity_id)
    message, target = confirmation(row, identity)
    kind = registry.channel("push")
    push = kind(kind.Options(), outlets.means())
    try:
        outcome: Outcome = push.send(message, [target])[0]
    finally:
        push.close()
    return outcome


def _check_wishes(session: Session, wishes: Wishes, errors: list[tuple[str, str]]) -> list[Station]:
    codes = sorted(set(wishes.stations or ()))
    stations: list[Station] = []
    if len(codes) > _MOST_STATIONS:
        errors.append(("stations", f"At most {_MOST_STATIONS} stations."))
    elif codes:
        stations = list(session.exec(select(Station).where(col(Station.code).in_(codes))).all())
        there = {s.code for s in stations}
        errors += [("stations", f"There is no station {c!r}.") for c in codes if c not in there]
    known = known_categories.everything()
    errors += [
        ("categories", f"{c!r} is not a category.")
        for c in wishes.categories or ()
        if c not in known
    ]
    if wishes.language is not None and not _LANGUAGE.fullmatch(wishes.language):
        errors.append(("language", "It is not a language code (BCP 47), such as fr."))
    if wishes.min_severity is not None and wishes.min_severity not in set(Severity):
        errors.append(("min_severity", f"It must be one of {', '.join(Severity)}."))
    chosen = wishes.cells or ()
    if len(set(chosen)) > cells.MOST_CHOSEN:
        errors.append(("cells", f"At most {cells.MOST_CHOSEN} cells."))
    for cell in chosen[: cells.MOST_CHOSEN]:
        try:
            cells.number(cell)
        except cells.BadCell as bad:
            errors.append(("cells", str(bad)))
    return stations


def _identity_of(
    session: Session, device: Device, hostname: str, errors: list[tuple[str, str]]
) -> PushIdentity:
    identity = None
    if device.key:
        identity = session.exec(
            select(PushIdentity).where(PushIdentity.public_key == device.key.rstrip("="))
        ).first()
        if identity is None:
            errors.append(("key", "This hub never had this application server key."))
    return identity or current_identity(session, hostname)


def _same_keys(row: Subscription, device: Device) -> bool:
    given = f"{plain(device.p256dh)} {plain(device.auth)}"
    return secrets.compare_digest(f"{row.p256dh} {row.auth}".encode(), given.encode())


def _set_device(
    row: Subscription, device: Device, host: str, identity: PushIdentity, trusted: bool
) -> None:
    row.endpoint, row.host = device.endpoint, host
    row.p256dh, row.auth = plain(device.p256dh), plain(device.auth)
    row.push_identity_id = identity.id or 0
    row.state = "active" if trusted else "new"
    row.confirm = "" if trusted else secrets.token_urlsafe(16)
    row.failures, row.failing_since = 0, None
    row.seen = clock.now()


def _set_wishes(row: Subscription, wishes: Wishes) -> None:
    row.language = wishes.language or row.language
    row.min_severity = wishes.min_severity or row.min_severity
    if wishes.cells is not None:
        row.cells = sorted({cells.name(cells.number(cell)) for cell in wishes.cells})


def _follow(
    session: Session, row: Subscription, stations: Iterable[Station], wished: list[str]
) -> None:
    """Make the follow rows exactly these: they belong to the authorities of the stations."""
    kept = {
        f.station_id: f
        for f in session.exec(select(Follow).where(Follow.subscription_id == row.id)).all()
    }
    wished = sorted(set(wished))
    for station in stations:
        follow = kept.pop(station.id or 0, None) or Follow(
            authority_id=station.authority_id,
            subscription_id=row.id or 0,
            station_id=station.id or 0,
        )
        follow.categories = wished
        session.add(follow)
    for follow in kept.values():
        session.delete(follow)
    session.flush()


def _refollow(session: Session, row: Subscription, wishes: Wishes, stations: list[Station]) -> None:
    codes, wished = followed(session, row)
    if wishes.stations is None:
        stations = list(session.exec(select(Station).where(col(Station.code).in_(codes))).all())
    if wishes.categories is not None:
        wished = list(wishes.categories)
    _follow(session, row, stations, wished)


def _delete(session: Session, ids: list[int]) -> None:
    session.execute(delete(Follow).where(col(Follow.subscription_id).in_(ids)))
    session.execute(delete(Subscription).where(col(Subscription.id).in_(ids)))
