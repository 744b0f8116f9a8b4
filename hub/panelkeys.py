"""The key an authority signs with: change it, make one void, say which ones panels shall trust.

A change is told to every panel by a set of keys that the former keys sign (docs/panel-contract.md,
section 4), so nobody has to climb to a panel. The first key needs no set: it is given to a panel
when it is installed, or pinned with the first plan.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, select

from hub import accounts, audit, clock, outbox, vault
from hub.contracts import KeySet, TrustedKey
from hub.models import Authority, Outlet, RetiredKey
from hub.vocabulary import Lane

# A month: panels that were in a cupboard for the holidays still take what is said meanwhile.
GRACE: Final = timedelta(days=30)
# keys.json takes eight; the oldest go first.
MOST: Final = 8


class UnknownKey(LookupError):
    """The authority has no such key, or it is void already; the text says which there are."""


def rotate(session: Session, authority: Authority, actor: str, *, grace: timedelta = GRACE) -> str:
    """Sign with a new key from now on; the former one stays good for `grace`. Every panel of the
    authority is due to be told. Returns the new key's id."""
    now = clock.now()
    old = authority.key_id
    if authority.signing_key:
        session.add(
            RetiredKey(
                authority_id=authority.id or 0,
                key_id=old,
                public=vault.base64url(accounts.public_key(authority)),
                sealed=authority.signing_key,
                retired=now,
                until=now + grace,
            )
        )
    accounts.give_key(authority)
    _changed(session, authority, now)
    thing = f"key:{authority.key_id}"
    audit.note(session, authority.id or 0, actor, "rotate_key", thing, former=old)
    return authority.key_id


def revoke(session: Session, authority: Authority, key_id: str, actor: str) -> None:
    """Make a key void on every panel at once: it was stolen, or may be. The current one is replaced
    first, and signs nothing but the set that ends it. Raises UnknownKey."""
    now = clock.now()
    if key_id == authority.key_id:
        rotate(session, authority, actor, grace=timedelta(0))
        session.flush()
    row = session.exec(
        select(RetiredKey).where(
            RetiredKey.authority_id == authority.id, RetiredKey.key_id == key_id
        )
    ).first()
    if row is None or row.revoked:
        known = ", ".join(key.key_id for key in keys_of(session, authority) if not key.revoked)
        raise UnknownKey(f"There is no key {key_id!r} in force; there are: {known}.")
    row.revoked, row.until = now, min(row.until, now)
    session.add(row)
    _changed(session, authority, now)
    audit.note(session, authority.id or 0, actor, "revoke_key", f"key:{key_id}")


def keys_of(session: Session, authority: Authority) -> list[RetiredKey]:
    """The current key as if it were a row (never stored), then the former ones, newest first."""
    rows = session.exec(
        select(RetiredKey)
        .where(RetiredKey.authority_id == authority.id)
        .order_by(col(RetiredKey.retired).desc(), col(RetiredKey.id).desc())
    ).all()
    current = RetiredKey(
        authority_id=authority.id or 0,
        key_id=authority.key_id,
        public=vault.base64url(accounts.public_key(authority)) if authority.signing_key else "",
        until=datetime.max.replace(tzinfo=clock.now().tzinfo),
    )
    return [current, *rows]


def key_set(session: Session, authority: Authority) -> KeySet | None:
    """What panels shall trust; None as long as the first key was never changed.

    A revoked key is not named, but signs the set, too: a panel that knows no other must hear that
    it is over, and who stole the key gains nothing by that.
    """
    if not authority.keys_rev or not authority.signing_key:
        return None
    rows = session.exec(
        select(RetiredKey)
        .where(RetiredKey.authority_id == authority.id, RetiredKey.sealed != "")
        .order_by(col(RetiredKey.retired).desc(), col(RetiredKey.id).desc())
        .limit(MOST - 1)
    ).all()
    current = _trusted(authority.key_id, authority.signing_key)
    return KeySet(
        rev=authority.keys_rev,
        made=authority.keys_at or authority.created,
        keys=(
            current,
            *(_trusted(row.key_id, row.sealed, row.until) for row in rows if row.revoked is None),
        ),
        leaving=tuple(_trusted(row.key_id, row.sealed) for row in rows if row.revoked),
    )


def _changed(session: Session, authority: Authority, now: datetime) -> None:
    """A new set under a new number, and every panel due."""
    # Above the last one even for a hub restored from a backup.
    authority.keys_rev = max(authority.keys_rev + 1, clock.unix_ms())
    authority.keys_at = now
    session.add(authority)
    panels = session.exec(
        select(Outlet.id).where(Outlet.authority_id == authority.id, Outlet.kind == "panel")
    ).all()
    for panel in panels:
        outbox.change(session, panel or 0, authority.id or 0, Lane.NORMAL, now)


def described(session: Session, authority: Authority) -> list[dict[str, Any]]:
    """The keys for a page or a command: key, public, state (current, grace, former, revoked), since
    and until; newest first."""
    now = clock.now()
    rows = keys_of(session, authority)
    told = []
    for row in rows:
        state = "former"
        if row is rows[0]:
            state = "current"
        elif row.revoked:
            state = "revoked"
        elif row.until > now:
            state = "grace"
        told.append(
            {
                "key": row.key_id,
                "public": row.public,
                "state": state,
                "retired": None if state == "current" else row.retired,
                "until": row.until if state == "grace" else None,
                "revoked": row.revoked,
            }
        )
    return told


def _trusted(key_id: str, sealed: str, until: datetime | None = None) -> TrustedKey:
    private = accounts.private_key(sealed)
    return TrustedKey(key_id, accounts.public_half(private), private, until)
