"""Errors as RFC 9457 problem documents that name the field."""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from hub import accounts, outlets, publishing, registry
from hub.vocabulary import MoveRefused


class Problem(Exception):
    """`errors` is a list of {"field", "reason"}; `title` and `detail` are for the sender."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        errors: Iterable[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.status, self.title, self.detail = status, title, detail
        self.errors, self.headers = list(errors), headers or {}

    def response(self) -> JSONResponse:
        body: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = self.errors
        return JSONResponse(
            body,
            status_code=self.status,
            media_type="application/problem+json",
            headers=self.headers,
        )


def wrong(field: str, reason: str, status: int = 422) -> Problem:
    """One field is wrong."""
    return Problem(
        status, "The request cannot be taken.", reason, [{"field": field, "reason": reason}]
    )


def from_validation(errors: Iterable[Any], prefix: str = "") -> list[dict[str, str]]:
    """pydantic's errors as field and reason; `expires: …` in a message names its own field."""
    rows = []
    for error in errors:
        path = [str(p) for p in error["loc"] if p not in ("body", "query", "path", "header")]
        reason = error["msg"].removeprefix("Value error, ")
        if error["type"] == "json_invalid":  # its place is an offset, not a field
            path, reason = [], f"not JSON from character {path[0] if path else 0} on: {reason}"
        field = prefix + ".".join(path)
        name, colon, rest = reason.partition(": ")
        if not path and colon and name.isidentifier():
            field, reason = prefix + name, rest
        rows.append({"field": field or "body", "reason": reason})
    return rows


def install(app: FastAPI) -> None:
    """Answer every failure of the API with a problem document."""

    def answer(problem: Problem) -> JSONResponse:
        return problem.response()

    @app.exception_handler(Problem)
    def _problem(_: Request, error: Problem) -> JSONResponse:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    def _validation(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(
            Problem(
                422,
                "The request cannot be taken.",
                "Nothing was kept. Correct the fields below and send it again.",
                from_validation(error.errors()),
            )
        )

    @app.exception_handler(publishing.Refused)
    def _refused(_: Request, error: publishing.Refused) -> JSONResponse:
        return answer(wrong(error.field, error.reason, 409 if error.field == "state" else 422))

    @app.exception_handler(MoveRefused)
    def _move(_: Request, error: MoveRefused) -> JSONResponse:
        return answer(wrong("state", str(error), 409))

    @app.exception_handler(outlets.OptionsRefused)
    def _options(_: Request, error: outlets.OptionsRefused) -> JSONResponse:
        return answer(
            Problem(
                422,
                "The outlet's options cannot be taken.",
                errors=[{"field": f, "reason": r} for f, r in error.errors],
            )
        )

    @app.exception_handler(registry.UnknownKind)
    def _kind(_: Request, error: registry.UnknownKind) -> JSONResponse:
        return answer(wrong("kind", str(error)))

    @app.exception_handler(accounts.Unknown)
    def _unknown(_: Request, error: accounts.Unknown) -> JSONResponse:
        return answer(wrong("station", str(error)))

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> JSONResponse:
        return answer(
            Problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))
        )
