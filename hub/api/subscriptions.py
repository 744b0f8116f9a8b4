"""Phones subscribe, change their wishes and leave; public, without account. The token of the answer
is the only way back, sent as `Authorization: Bearer TOKEN`, never in an address."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from hub import clock, db, nudges, subscribing
from hub.api.problems import Problem
from hub.devices import Device, Gate
from hub.models import PushIdentity, Subscription
from hub.subscribing import Wishes
from hub.vocabulary import Lane

router = APIRouter(tags=["subscriptions"])

# A school behind one address may subscribe in one lesson; a script may not fill the table.
PER_MINUTE = 60


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class KeysIn(_Given):
    p256dh: str = Field(max_length=200)
    auth: str = Field(max_length=100)


class WishesIn(_Given):
    """What the phone wants; what is left out stays as it was."""

    stations: list[str] | None = Field(None, max_length=500)
    categories: list[str] | None = Field(None, max_length=100)
    language: str | None = Field(None, max_length=35)
    min_severity: str | None = None
    cells: list[str] | None = Field(
        None,
        max_length=500,
        description="H3 cells of resolution 8 (0.7 km²) it cares for; never a position.",
    )

    def wishes(self) -> Wishes:
        return Wishes(self.stations, self.categories, self.language, self.min_severity, self.cells)


class SubscriptionIn(WishesIn):
    """A browser's PushSubscription as it writes itself to JSON, and the phone's wishes. `key` is
    the application server key it was made under."""

    endpoint: str = Field(max_length=4096)
    keys: KeysIn
    key: str = Field("", max_length=200)
    expirationTime: float | None = None

    def device(self) -> Device:
        return Device(self.endpoint, self.keys.p256dh, self.keys.auth, self.key)


class ChangeIn(WishesIn):
    """Wishes, or a renewed PushSubscription (endpoint and keys together), or the nonce of the
    confirmation push."""

    endpoint: str | None = Field(None, max_length=4096)
    keys: KeysIn | None = None
    key: str = Field("", max_length=200)
    expirationTime: float | None = None
    confirm: str | None = Field(None, max_length=100)

    def device(self) -> Device | None:
        if self.endpoint is None and self.keys is None:
            return None
        if self.endpoint is None or self.keys is None:
            missing = "endpoint" if self.endpoint is None else "keys"
            raise subscribing.Refused([(missing, "Endpoint and keys are changed together.")])
        return Device(self.endpoint, self.keys.p256dh, self.keys.auth, self.key)


@router.get("/push/key")
def key(request: Request, response: Response) -> dict[str, Any]:
    """The application server key to subscribe under (RFC 8292), base64url."""
    with db.reading(db.EVERYWHERE) as session:
        identity = subscribing.find_identity(session, _hostname(session, request))
    if identity is None:
        with db.writing(db.EVERYWHERE) as session:
            identity = subscribing.current_identity(session, _hostname(session, request))
    response.headers["Cache-Control"] = "no-cache"
    return {"key": identity.public_key, "hostname": identity.hostname}


@router.post("/subscriptions", status_code=201)
def create(body: SubscriptionIn, request: Request, response: Response) -> dict[str, Any]:
    """Follow stations. The token is shown this once. `state` "new": this push host is not known
    here, and the phone is told nothing before it echoes a confirmation push."""
    _throttle(request)

    def work(session: Session) -> dict[str, Any]:
        row, token = subscribing.create(
            session,
            body.device(),
            body.wishes(),
            Gate.of_settings(),
            _hostname(session, request),
        )
        _confirm_soon(session, row)
        return {"token": token, **_view(session, row)}

    response.headers["Cache-Control"] = "no-store"
    return _written(work)


@router.get("/subscriptions/me")
def read(response: Response, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
    """What the phone follows. Its endpoint and keys are never told."""
    response.headers["Cache-Control"] = "no-store"
    with db.reading(db.EVERYWHERE) as session:
        try:
            return _view(session, subscribing.find(session, _token(authorization)))
        except subscribing.UnknownToken:
            raise _unknown() from None


@router.patch("/subscriptions/me")
def change(
    body: ChangeIn,
    request: Request,
    response: Response,
    authorization: Annotated[str, Header()] = "",
) -> dict[str, Any]:
    """Change wishes, renew the endpoint, or confirm."""
    _throttle(request)
    token = _token(authorization)

    def work(session: Session) -> dict[str, Any]:
        row = subscribing.change(
            session,
            token,
            body.wishes(),
            Gate.of_settings(),
            _hostname(session, request),
            device=body.device(),
            confirm=body.confirm,
        )
        if body.endpoint is not None:
            _confirm_soon(session, row)
        return _view(session, row)

    response.headers["Cache-Control"] = "no-store"
    return _written(work)


@router.delete("/subscriptions/me", status_code=204)
def remove(request: Request, authorization: Annotated[str, Header()] = "") -> None:
    """Forget this phone: nothing of it is kept."""
    _throttle(request)
    token = _token(authorization)

    def work(session: Session) -> dict[str, Any]:
        subscribing.remove(session, token)
        return {}

    _written(work)


def _written(work: Callable[[Session], dict[str, Any]]) -> dict[str, Any]:
    """`work` in one transaction; what it refuses becomes a problem document."""
    try:
        with db.writing(db.EVERYWHERE) as session:
            return work(session)
    except subscribing.UnknownToken:
        raise _unknown() from None
    except subscribing.Refused as refused:
        taken = isinstance(refused, subscribing.Taken)
        raise Problem(
            409 if taken else 422,
            "The subscription cannot be taken.",
            "Unsubscribe in the browser and subscribe again; it then gives a new endpoint."
            if taken
            else "Nothing was kept. Correct the fields below and send it again.",
            [{"field": field, "reason": reason} for field, reason in refused.errors],
        ) from None
    except IntegrityError:
        raise Problem(
            409,
            "This subscription is being written by another request.",
            "Nothing was kept. Send it again.",
        ) from None


def _view(session: Session, row: Subscription) -> dict[str, Any]:
    stations, categories = subscribing.followed(session, row)
    return {
        "state": row.state,
        "stations": stations,
        "categories": categories,
        "language": row.language,
        "min_severity": row.min_severity,
        "cells": row.cells,
        "key": session.get_one(PushIdentity, row.push_identity_id).public_key,
        "created": clock.rfc3339(row.created),
    }


def _confirm_soon(session: Session, row: Subscription) -> None:
    if row.state == "new" and row.id is not None:
        row_id = row.id
        db.after_commit(session, lambda: nudges.send("confirm", row_id, Lane.NORMAL))


def _hostname(session: Session, request: Request) -> str:
    return subscribing.hostname_for(session, request.url.hostname or "")


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(
            401,
            "The subscription's token is needed.",
            "Send the header Authorization: Bearer TOKEN.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return token.strip()


def _unknown() -> Problem:
    return Problem(
        401,
        "This subscription is not known here.",
        "It was removed, or made on another hub. Subscribe again.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


@lru_cache(maxsize=1)
def _limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


def _throttle(request: Request) -> None:
    """At most PER_MINUTE writes a minute from one address, counted in this process."""
    limit = RateLimitItemPerMinute(PER_MINUTE)
    source = _source(request.client.host if request.client else "")
    if not _limiter().hit(limit, "subscriptions", source):
        raise Problem(
            429,
            "Too many subscriptions from one address.",
            "Nothing was kept. Try again in a minute.",
            headers={"Retry-After": "60"},
        )


def _source(address: str) -> str:
    """An IPv4 address, or the /64 that one subscriber has in IPv6."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 6:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return address
