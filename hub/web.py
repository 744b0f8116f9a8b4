"""The web role: the shelf's bytes ahead of the router, the API, the faces mounted by name."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any

from fastapi import FastAPI, Request, Response
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from hub import again, changes, db, health, migrate, settings, shelf, worker
from hub.api import agenda, outlets, panels, plans, problems, publications, sources, subscriptions
from hub.dispatch import displays

MAX_BODY = 1_000_000
_FACES = "dashboards.faces:mount"


def make_app() -> ASGIApp:
    """The ASGI application of one web process."""
    poller = changes.Poller()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        migrate.upgrade()
        worker.use_celery_for_nudges()
        await poller.start()
        # Looking through all that is imported held every answer up for 180 ms, several times a
        # minute while a herd asked.
        worker.settle_memory()
        yield
        await poller.stop()
        db.dispose()

    app = FastAPI(
        title="Tambour",
        summary="Say it once, and have it said everywhere.",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url="/api/docs",
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.poller = poller
    problems.install(app)
    # `publications` last: its /publications/{id}/{step} is the widest path.
    for part in (plans, outlets, panels, sources, subscriptions, agenda, publications):
        app.include_router(part.router, prefix="/api/v1")

    @app.get("/health", tags=["running"])
    def is_well(response: Response) -> dict[str, Any]:
        """Whether this hub is well, and every reason it is not."""
        state = health.health()
        response.status_code = 200 if state["ok"] else 503
        response.headers["Cache-Control"] = "no-store"
        return state

    @app.get("/metrics", tags=["running"])
    def figures() -> Response:
        """Figures for Prometheus."""
        return Response(health.metrics(), media_type="text/plain; version=0.0.4")

    module, _, name = _FACES.partition(":")
    getattr(import_module(module), name)(app)
    app.middleware("http")(_name_request)
    inner = _Bounded(_Again(app))
    # Who asks is whom the proxy names: else a town behind one shares the limits of one address.
    seen: ASGIApp = wrap_asgi_with_proxy_headers(inner, settings.get().proxies)
    served: ASGIApp = shelf.Shelf(seen, poller=poller, renew=displays.render_afresh)
    return served


async def _name_request(
    request: Request, answer: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Every request has an id, in its answer, its log lines and its audit events."""
    name = secrets.token_hex(8)
    with bound_contextvars(request_id=name):
        response = await answer(request)
    response.headers["X-Request-Id"] = name
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


class _Bounded:
    """Refuses bodies over MAX_BODY bytes with 413, stated or streamed, before they are kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stated = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if not stated.isdigit() or int(stated) > MAX_BODY:
            await _too_large(scope, receive, send)
            return
        taken = 0
        started = False

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY:
                raise _TooLarge
            return message

        async def noting(message: Message) -> None:
            nonlocal started
            if taken > MAX_BODY and not started:
                return  # FastAPI takes the exception for a body it cannot parse: 400
            started = True
            await send(message)

        with suppress(_TooLarge):
            await self.app(scope, bounded, noting)
        if taken > MAX_BODY and not started:
            await _too_large(scope, receive, send)


class _TooLarge(Exception):
    pass


class _Again:
    """Answers a request anew whose transaction the database gave up, or that made what another made
    at the same moment: nothing of it was kept. What is sent after the transaction (the nudges) was
    not sent either."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        heard: list[Message] = []
        for tries in range(again.TRIES):
            held: list[Message] = []  # a 500 is said before its reason is raised
            try:
                await self.app(dict(scope), _replayed(heard, receive), _holding(held, send))
            except (OperationalError, IntegrityError) as error:
                lost = again.lost_race(error) or again.taken_meanwhile(error)
                if lost and held and tries < again.TRIES - 1:
                    await asyncio.sleep(again.pause(tries))
                    continue
                for message in held:
                    await send(message)
                raise
            except BaseException:
                for message in held:
                    await send(message)
                raise
            for message in held:
                await send(message)
            return


def _replayed(heard: list[Message], receive: Receive) -> Receive:
    """`receive` that begins with what was heard already."""
    position = 0

    async def replay() -> Message:
        nonlocal position
        if position == len(heard):
            heard.append(await receive())
        position += 1
        return heard[position - 1]

    return replay


def _holding(held: list[Message], send: Send) -> Send:
    """`send` that keeps an answer of 500 back."""

    async def hold(message: Message) -> None:
        if held or message.get("status") == 500:
            held.append(message)
        else:
            await send(message)

    return hold


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    answer = problems.Problem(
        413, "The request is too large.", f"At most {MAX_BODY:,} bytes; nothing was kept."
    ).response()
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)
