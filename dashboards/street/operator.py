"""The SMS operator of the street: SMSEagle's JSON-RPC, `POST /jsonrpc/sms`, `sms.send_sms`.

https://www.smseagle.eu/apiv1/ — any access token is taken; a call without one is refused, as are
the methods that address groups and contacts, which this gateway does not keep.
"""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboards.street.store import Store


def routes(store: Store) -> list[Route]:
    async def send(request: Request) -> Response:
        try:
            call = json.loads(await request.body())
            method, params = call["method"], call["params"]
            token, to, text = params["access_token"], str(params["to"]), str(params["message"])
        except (ValueError, KeyError, TypeError):
            return _error("Wrong or missing parameters", 400)
        if not token:
            return _error("Invalid access token", 401)
        if method != "sms.send_sms":
            return _error(f"Method not available: {method}", 400)
        taken = [await store.receive(number.strip(), text) for number in to.split(",")]
        return JSONResponse(
            {"result": [{"message_id": str(sms.id), "status": "ok"} for sms in taken]}
        )

    return [Route("/jsonrpc/sms", send, methods=["POST"])]


def _error(words: str, status: int) -> JSONResponse:
    return JSONResponse({"result": {"status": "error", "error_text": words}}, status)
