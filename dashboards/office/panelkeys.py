"""The key under which the authority signs for its panels: which it is, change it, make one void."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from dashboards.office.compose import Typed
from dashboards.office.session import SignedIn, show
from hub import db, panelkeys
from hub.models import Authority

router = APIRouter(prefix="/panel-keys")


@router.get("")
def index(request: Request, person: SignedIn, said: str = "") -> Response:
    person.need("configure")
    return _page(request, person, said if said in ("changed", "revoked") else "")


@router.post("/rotate")
def rotate(request: Request, person: SignedIn, given: dict[str, str] = Typed) -> Response:
    """Only with the box ticked: a slip of the finger changes no key."""
    person.need("configure")
    if given.get("confirmed") != "yes":
        return _page(request, person, "unconfirmed", 422)
    with db.writing(person.scope) as session:
        panelkeys.rotate(session, session.get_one(Authority, person.scope), person.actor)
    return RedirectResponse("/office/panel-keys?said=changed", 303)


@router.post("/revoke")
def revoke(request: Request, person: SignedIn, given: dict[str, str] = Typed) -> Response:
    person.need("configure")
    if given.get("confirmed") != "yes":
        return _page(request, person, "unconfirmed", 422)
    try:
        with db.writing(person.scope) as session:
            authority = session.get_one(Authority, person.scope)
            panelkeys.revoke(session, authority, given.get("key", ""), person.actor)
    except panelkeys.UnknownKey:
        return _page(request, person, "unknown", 422)
    return RedirectResponse("/office/panel-keys?said=revoked", 303)


def _page(request: Request, person: SignedIn, said: str, status: int = 200) -> Response:
    with db.reading(person.scope) as session:
        keys = panelkeys.described(session, session.get_one(Authority, person.scope))
    return show(request, person, "office/panel_keys.html", status=status, keys=keys, said=said)
