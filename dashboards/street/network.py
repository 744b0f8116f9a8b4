"""The social network of the street: Mastodon's REST API, as far as posting needs it.

https://docs.joinmastodon.org/methods/statuses/ — the account is whoever holds the token; any token
is an account. `Idempotency-Key` is remembered as long as the post is kept.
"""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboards.street.store import Post, Store

LIMIT = 500
ACCOUNT = "villard_bonnot"


def routes(store: Store) -> list[Route]:
    async def post(request: Request) -> Response:
        form = await _form(request)
        refused = _refused(request, form)
        if refused is not None:
            return refused
        made = await store.publish(
            ACCOUNT,
            str(form["status"]),
            str(form.get("language") or ""),
            str(form.get("visibility") or "public"),
            request.headers.get("idempotency-key", ""),
        )
        return JSONResponse(_status(made))

    async def one(request: Request) -> Response:
        if not _signed(request):
            return _error("The access token is invalid", 401)
        found = store.post(request.path_params["ident"])
        if found is None:
            return _error("Record not found", 404)
        if request.method == "DELETE":
            await store.delete(found)
        elif request.method == "PUT":
            form = await _form(request)
            refused = _refused(request, form)
            if refused is not None:
                return refused
            await store.edit(found, str(form["status"]), str(form.get("language") or ""))
        return JSONResponse(_status(found))

    async def whoami(request: Request) -> Response:
        if not _signed(request):
            return _error("The access token is invalid", 401)
        return JSONResponse({"id": "1", "username": ACCOUNT, "acct": ACCOUNT})

    return [
        Route("/api/v1/statuses", post, methods=["POST"]),
        Route("/api/v1/statuses/{ident}", one, methods=["GET", "PUT", "DELETE"]),
        Route("/api/v1/accounts/verify_credentials", whoami, methods=["GET"]),
    ]


async def _form(request: Request) -> dict[str, Any]:
    if "json" in request.headers.get("content-type", ""):
        try:
            found = json.loads(await request.body())
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}
    return dict(await request.form())


def _signed(request: Request) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme == "Bearer" and bool(token)


def _refused(request: Request, form: dict[str, Any]) -> Response | None:
    if not _signed(request):
        return _error("The access token is invalid", 401)
    if not form.get("status"):
        return _error("Validation failed: Text can't be blank", 422)
    if len(str(form["status"])) > LIMIT:
        return _error(f"Validation failed: Text limit of {LIMIT} characters exceeded", 422)
    return None


def _status(post: Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "created_at": post.at,
        "edited_at": post.edited or None,
        "content": post.text,
        "language": post.language or None,
        "visibility": post.visibility,
        "account": {"id": "1", "username": post.account, "acct": post.account},
    }


def _error(words: str, status: int) -> JSONResponse:
    return JSONResponse({"error": words}, status)
