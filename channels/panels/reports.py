"""What a panel said, as a report of the hub, or nothing: every message is looked at here first.

A panel is not trusted: what its schema allows and the hub could not keep (a time that does not
exist, a number that is none) would otherwise end the batch it came in, and with it every other
panel's reports.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import jsonschema_rs
import orjson
import paho.mqtt.client as mqtt

from channels.panels import topics
from hub.contracts import Json, Report, ReportStage

MAX_BYTES: Final = 65_536
MAX_FRAME: Final = 262_144
SCHEMAS: Final = Path(__file__).parent / "schemas"
_DEPTH: Final = 32
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_FRAME: Final = ("ts", "hash", "ref", "reason", "session", "seq", "page_hash")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", re.ASCII)

_STAGES: Final = {
    "birth": ReportStage.BIRTH,
    "presence": ReportStage.PRESENCE,
    "ack": ReportStage.ACK,
    "shown": ReportStage.SHOWN,
    "hb": ReportStage.HEARTBEAT,
    topics.FAULT: ReportStage.FAULT,
    topics.PROOF: ReportStage.PROOF,
}


class Unreadable(ValueError):
    """A payload that is not of the contract; the text says why, without its content."""


@lru_cache(maxsize=16)
def _schema(leaf: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads((SCHEMAS / f"{leaf}.json").read_text("utf-8")))


def read(leaf: str, payload: bytes) -> dict[str, Any]:
    """The parsed payload of a topic. Raises Unreadable."""
    if len(payload) > MAX_BYTES:
        raise Unreadable(f"{len(payload)} bytes, at most {MAX_BYTES}")
    try:
        # Stricter than json: no NaN, no infinity, no half of a letter. The validator raises, too,
        # where it is nested too deep.
        body = orjson.loads(payload)
        problem = next(_schema(leaf).iter_errors(body), None)
    except ValueError as error:
        raise Unreadable("not JSON") from error
    if problem is not None:
        where = "/".join(str(step) for step in problem.instance_path) or "payload"
        raise Unreadable(f"{where} does not fit schemas/{leaf}.json")
    if wrong := _impossible(body):
        raise Unreadable(wrong)
    return dict(body)


def report_of(
    address: topics.Address,
    payload: bytes,
    received: datetime,
    user: Mapping[str, str] = MappingProxyType({}),
) -> Report:
    """A panel's message as a report; `user` are its user properties. A retained plan that cannot be
    read speaks of plan 0, which is never the one that was said. Raises Unreadable."""
    if address.leaf == topics.PLAN:
        return _plan_report(address, payload, received)
    if address.leaf == topics.FRAME:
        return _frame_report(address, payload, received, user)
    if address.leaf == topics.FAULT and not payload:
        over = {"code": address.name, "over": True}
        return Report(address.authority, address.panel, ReportStage.FAULT, received, body=over)
    body = read(address.leaf, payload)
    if address.leaf == topics.FAULT and body["code"] != address.name:
        raise Unreadable("the fault's code is not that of its topic")
    proof = address.leaf == topics.PROOF
    return Report(
        authority=address.authority,
        outlet=address.panel,
        stage=_STAGES[address.leaf],
        received=received,
        say_no=body.get("ref") if address.leaf == "ack" else body.get("plan_rev"),
        session=body["session"],
        seq=body["seq"],
        body=body,
        raw=payload if proof else b"",
        seal=user.get("jws", "") if proof else "",
    )


def _frame_report(
    address: topics.Address, payload: bytes, received: datetime, user: Mapping[str, str]
) -> Report:
    """A picture of the face; what it is stands in its user properties."""
    if len(payload) > MAX_FRAME or not payload.startswith(_PNG):
        raise Unreadable("not a PNG of a face")
    body = {name: user[name] for name in _FRAME if name in user}
    if next(_schema(topics.FRAME).iter_errors(body), None) is not None or _impossible(body):
        raise Unreadable("its properties do not fit schemas/frame.json")
    return Report(
        address.authority, address.panel, ReportStage.FRAME, received,
        session=int(body.get("session", 0)), seq=int(body.get("seq", 0)), body=body, raw=payload,
    )  # fmt: skip


def _plan_report(address: topics.Address, payload: bytes, received: datetime) -> Report:
    body: Json
    try:
        plan = read(topics.PLAN, payload)
        number, body = plan["plan_rev"], {"plan_rev": plan["plan_rev"], "id": plan["id"]}
    except Unreadable as error:
        number, body = 0, {"plan_rev": 0, "broken": str(error) if payload else "removed"}
    return Report(
        address.authority, address.panel, ReportStage.PLAN, received, say_no=number, body=body
    )


def user_of(message: mqtt.MQTTMessage) -> dict[str, str]:
    """The user properties of a message; of one given twice, the last."""
    return dict(getattr(message.properties, "UserProperty", ()))


def _impossible(body: Any) -> str:
    """What a schema lets pass and neither calendar nor database holds: a time that does not exist,
    or that another zone moves out of all years; the letter NUL; what is nested without end (JSON
    is written again, by a recursion). Empty: nothing."""
    left: list[tuple[Any, int]] = [(body, 0)]
    while left:
        value, depth = left.pop()
        if depth > _DEPTH:
            return "nested too deep"
        if isinstance(value, dict | list):
            inner = value.values() if isinstance(value, dict) else value
            left += ((each, depth + 1) for each in inner)
        elif isinstance(value, str) and "\0" in value:
            return "the letter NUL"
        elif isinstance(value, str) and _TIME.fullmatch(value) and not _exists(value):
            return "a time that does not exist"
    return ""


def _exists(time: str) -> bool:
    try:
        return 1 < datetime.fromisoformat(time).year < 9999
    except ValueError:
        return False
