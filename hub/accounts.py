"""Members, tokens and the keys of authorities."""

import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pwdlib import PasswordHash
from sqlmodel import Session, col, select

from hub import audit, clock, vault
from hub.models import ApiToken, Authority, Member, Station
from hub.vocabulary import Role

_hash = PasswordHash.recommended()
# Verifying an unknown address costs as long as a known one, so that nobody learns who works here.
_NOBODY = _hash.hash(secrets.token_urlsafe(16))

SYNTHETIC = "tambour-synthetic"  # the hub's own, see hub.synthetic
_SIGNING = "signing-key"


class Unknown(LookupError):
    """No such authority, station or member; the text says which."""


def authority_by_code(session: Session, code: str) -> Authority:
    """The authority; the only one there is when `code` is empty. Raises Unknown, naming them."""
    known = session.exec(
        select(Authority).where(Authority.code != SYNTHETIC).order_by(col(Authority.code))
    ).all()
    found = [a for a in known if a.code == code or not code]
    if len(found) == 1:
        return found[0]
    codes = ", ".join(a.code for a in known[:20]) or "none yet"
    raise Unknown(
        f"There is no authority with the code {code!r}; there are: {codes}."
        if code
        else f"Say which authority with --authority; there are: {codes}."
    )


def create_authority(session: Session, code: str, name: str, **more: Any) -> Authority:
    """An authority with its own signing key (Ed25519)."""
    authority = Authority(code=code, name=name, **more)
    give_key(authority)
    session.add(authority)
    session.flush()
    return authority


def give_key(authority: Authority) -> None:
    """A new signing key and its name; a former one is the caller's to keep."""
    raw = Ed25519PrivateKey.generate().private_bytes_raw()
    authority.signing_key = vault.seal(raw, _SIGNING)
    authority.key_id = f"{authority.code}-{clock.now():%Y%m%d}-{secrets.token_hex(3)}"


def private_key(sealed: str) -> bytes:
    """The 32 raw bytes of a signing key (Ed25519) as `Authority.signing_key` keeps it."""
    return vault.unseal(sealed, _SIGNING)


def public_half(private: bytes) -> bytes:
    """The 32 raw bytes of the public half of a private one."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def public_key(authority: Authority) -> bytes:
    """The 32 raw bytes of the authority's Ed25519 public key."""
    return public_half(private_key(authority.signing_key))


def create_member(
    session: Session,
    authority: Authority,
    email: str,
    name: str,
    password: str,
    roles: list[Role],
) -> Member:
    member = Member(
        authority_id=authority.id or 0,
        email=email.strip().lower(),
        name=name,
        password_hash=_hash.hash(password),
        roles=[role.value for role in roles],
    )
    session.add(member)
    session.flush()
    return member


def sign_in(session: Session, email: str, password: str) -> Member | None:
    """The active member with this password (argon2: about 120 ms and 64 MiB; never on an event
    loop), or None."""
    member = session.exec(select(Member).where(Member.email == email.strip().lower())).first()
    good, renewed = _hash.verify_and_update(password, member.password_hash if member else _NOBODY)
    if member is None or not good or not member.active:
        return None
    if renewed:
        member.password_hash = renewed
    member.last_seen = clock.now()
    session.add(member)
    return member


def new_password() -> str:
    """64 random bits that a person can type."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


def set_password(session: Session, member: Member, password: str) -> None:
    """Change the password and sign every session out."""
    member.password_hash = _hash.hash(password)
    member.epoch += 1
    session.add(member)


def create_token(
    session: Session, authority: Authority, name: str, roles: list[Role], actor: str
) -> tuple[ApiToken, str]:
    """(row, token): the token is shown once; only its hash is kept."""
    token = "tmb_" + secrets.token_urlsafe(32)
    row = ApiToken(
        authority_id=authority.id or 0,
        name=name,
        hash=vault.hash_token(token),
        roles=[role.value for role in roles],
    )
    session.add(row)
    session.flush()
    audit.note(session, authority.id or 0, actor, "create", f"token:{row.id}", name=name)
    return row, token


def token_holder(session: Session, token: str) -> ApiToken | None:
    """The row of a token that is valid now."""
    return session.exec(
        select(ApiToken).where(
            ApiToken.hash == vault.hash_token(token), col(ApiToken.revoked).is_(None)
        )
    ).first()


def station_of(session: Session, authority_id: int, code: str | None) -> Station:
    """The station with this code, or the authority's first one. Raises Unknown."""
    statement = select(Station).where(Station.authority_id == authority_id)
    if code:
        statement = statement.where(Station.code == code)
    found = session.exec(statement.order_by(col(Station.id)).limit(1)).first()
    if found is None:
        raise Unknown(f"There is no station {code!r} here." if code else "There is no station yet.")
    return found
