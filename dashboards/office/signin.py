"""Sign in, sign out, the exercise mode."""

from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from dashboards.base import pages
from dashboards.office import session
from dashboards.office.session import SignedIn
from hub import accounts, audit, db
from hub.models import Member

router = APIRouter()

# Ten a minute from one address and five for one account: a person mistypes, a script guesses.
FROM_ADDRESS, FOR_ACCOUNT = RateLimitItemPerMinute(10), RateLimitItemPerMinute(5)


@lru_cache(maxsize=1)
def limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@router.get("/sign-in")
def form(request: Request, next: str = "/office/") -> Response:
    return pages.render(request, "office/signin.html", next=_inside(next), email="", wrong=False)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/office/",
) -> Response:
    address = request.client.host if request.client else ""
    account = email.strip().lower()[:200]
    if not limiter().hit(FROM_ADDRESS, "address", address) or not limiter().hit(
        FOR_ACCOUNT, "account", account
    ):
        return pages.render(
            request, "base/error.html", status=429, headers={"Retry-After": "60"}, code=429
        )
    member = await run_in_threadpool(_check, account, password[:1000])
    if member is None:
        return pages.render(
            request,
            "office/signin.html",
            status=403,
            next=_inside(next),
            email=account,
            wrong=True,
        )
    answer = RedirectResponse(_inside(next), 303)
    session.sign_in(answer, member)
    return answer


@router.post("/sign-out")
def sign_out(person: SignedIn, everywhere: Annotated[str, Form()] = "") -> Response:
    if everywhere:
        with db.writing(person.scope) as rows:
            member = rows.get_one(Member, person.member.id)
            member.epoch += 1
            rows.add(member)
            audit.note(rows, person.scope, person.actor, "sign out everywhere", person.actor)
    answer = RedirectResponse(session.SIGN_IN, 303)
    session.sign_out(answer)
    return answer


@router.post("/mode")
def mode(person: SignedIn, exercise: Annotated[str, Form()] = "") -> Response:
    """Between the real thing and an exercise; the banner and every new text say so."""
    answer = RedirectResponse("/office/", 303)
    if exercise:
        answer.set_cookie(
            session.MODE_COOKIE, "exercise", path="/office", httponly=True, samesite="lax"
        )
    else:
        answer.delete_cookie(session.MODE_COOKIE, path="/office")
    return answer


def _check(email: str, password: str) -> Member | None:
    with db.writing(db.EVERYWHERE) as rows:
        member = accounts.sign_in(rows, email, password)
        if member is not None:
            audit.note(rows, member.authority_id, f"member:{member.id}", "sign in", "office")
        return member


def _inside(path: str) -> str:
    """Only a path of the office: an address given in a link must not lead elsewhere."""
    plain = path.startswith("/office") and "\\" not in path and "//" not in path
    return path if plain and path.isprintable() else "/office/"
