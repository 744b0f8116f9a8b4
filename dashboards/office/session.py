"""Who is signed in: a signed cookie with the member's number and epoch, nothing else.

The epoch rises with a changed password or "sign out everywhere", and every older cookie is refused.
"""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse
from itsdangerous import BadSignature, URLSafeTimedSerializer

from dashboards.base import pages
from dashboards.base.i18n import N_
from hub import db, settings
from hub.api.deps import Caller
from hub.models import Authority, Member

COOKIE: Final = "tambour_office"
MODE_COOKIE: Final = "tambour_mode"
SIGN_IN: Final = "/office/sign-in"
# A working day and its evening: who comes in the next morning signs in again.
LASTS_S: Final = 14 * 3600


class SignInFirst(Exception):
    """Nobody is signed in."""


class NotAllowed(Exception):
    """`reason` is a message id."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Person:
    """The signed-in member and the authority he or she works for; rows read once a request."""

    member: Member
    authority: Authority
    caller: Caller
    exercise: bool

    @property
    def actor(self) -> str:
        return self.caller.actor

    @property
    def scope(self) -> int:
        return self.caller.authority_id

    @property
    def zone(self) -> str:
        return self.authority.timezone

    def may(self, right: str) -> bool:
        return self.caller.may(right)

    def need(self, right: str) -> None:
        """Raises NotAllowed without the right "write", "approve", "grave" or "configure"."""
        if not self.may(right):
            raise NotAllowed


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.get().secret(), salt="tambour office 1")


def sign_in(response: Response, member: Member) -> None:
    """Set the cookie of a member whose password was right."""
    response.set_cookie(
        COOKIE,
        _serializer().dumps([member.id, member.epoch]),
        max_age=LASTS_S,
        path="/office",
        httponly=True,
        samesite="lax",
        secure=settings.get().url.startswith("https://"),
    )


def sign_out(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/office")
    response.delete_cookie(MODE_COOKIE, path="/office")


def person_of(request: Request) -> Person:
    """The signed-in member. Raises SignInFirst."""
    try:
        member_id, epoch = _serializer().loads(request.cookies.get(COOKIE, ""), max_age=LASTS_S)
    except (BadSignature, ValueError, TypeError):
        raise SignInFirst from None
    with db.reading(db.EVERYWHERE) as session:
        member = session.get(Member, member_id)
        if member is None or not member.active or member.epoch != epoch:
            raise SignInFirst
        authority = session.get_one(Authority, member.authority_id)
    return Person(
        member,
        authority,
        Caller(member.authority_id, f"member:{member.id}", frozenset(member.roles)),
        request.cookies.get(MODE_COOKIE) == "exercise",
    )


SignedIn = Annotated[Person, Depends(person_of)]


def same_origin(request: Request) -> None:
    """A form of another site must not act here: browsers state where a POST comes from (Origin,
    Sec-Fetch-Site). A POST that states nothing is refused too. Raises NotAllowed."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = request.headers.get("origin")
    if origin is not None:
        here = request.headers.get("host", "")
        public = urlsplit(settings.get().url).netloc
        if urlsplit(origin).netloc in (here, public):
            return
    elif request.headers.get("sec-fetch-site") == "same-origin":
        return
    raise NotAllowed(N_("This form came from another site. Open the page again and send it anew."))


def sign_in_url(request: Request) -> str:
    if request.method != "GET" or request.url.path in ("/office", "/office/"):
        return SIGN_IN
    return f"{SIGN_IN}?next={quote(request.url.path)}"


def show(
    request: Request, person: Person, template: str, *, status: int = 200, **context: object
) -> HTMLResponse:
    """A page of the office for who is signed in."""
    return pages.render(
        request,
        template,
        language=person.member.language,
        status=status,
        person=person,
        zone=person.zone,
        **context,
    )


def language(request: Request, person: Person) -> str:
    return pages.language_of(request, person.member.language)
