"""Wrong, huge, hostile: from outside, over HTTP, on the broker and at the command line. Each gets a
clear error where it belongs, and nothing else comes to harm."""

import base64
import json
import os
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from tests.scenarios.instance import Town, around, in_, until

pytestmark = pytest.mark.parametrize("town", ["embedded"], indirect=True)

INSIDE = [
    "http://127.0.0.1:1/agenda",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:127.0.0.1]:1/agenda",
    "http://[::1]:1/agenda",
    "http://localhost:1/agenda",
]
NOTICE = {"station": "VILLARD", "state": "live", "category": "closure", "headline": "Rue fermée"}


@pytest.fixture
def client(town: Town) -> Iterator[mqtt.Client]:
    made = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    made.connect("127.0.0.1", town.broker.port)
    made.loop_start()
    yield made
    made.disconnect()
    made.loop_stop()


def refused(town: Town, path: str, body: Any, field: str, status: int = 422) -> str:
    """The reason given for `field` in the problem document."""
    answer = town.call("POST", path, body, status)
    reasons = {e["field"]: e["reason"] for e in answer["errors"]}
    found = [reason for name, reason in reasons.items() if name.startswith(field)]
    assert found, reasons
    assert found[0].strip()
    return str(found[0])


def count(town: Town) -> int:
    return len(town.call("GET", "/publications?limit=200")["publications"])


def test_a_wrong_condition_is_named_with_its_line_and_column(town: Town, tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(Path(__file__).parents[2] / "config", config)
    rules = config / "rules" / "commune.yaml"
    lines = rules.read_text("utf-8").splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if "publication.status == 'exercise'" in line)
    lines[at] = lines[at].replace("publication.status", "publication.statsu")
    rules.write_text("".join(lines), "utf-8")
    before = dict(os.environ)
    town._environment["TAMBOUR_CONFIG"] = str(config)
    try:
        done = town.run("check", "--json")
    finally:
        del town._environment["TAMBOUR_CONFIG"]
    assert before == dict(os.environ)
    assert done.returncode == 1
    (problem,) = json.loads(done.stdout)["problems"]
    assert "commune.yaml" in problem
    assert str(at + 1) in problem
    assert "statsu" in problem
    assert town.run("check").returncode == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (
            "area",
            {
                "type": "Polygon",
                "coordinates": [[[5.8, 45.2], [5.9, 45.3], [5.9, 45.2], [5.8, 45.3], [5.8, 45.2]]],
            },
        ),
        ("area", {"type": "Polygon", "coordinates": [[[500, 45.2], [5.9, 45.3], [5.9, 45.2]]]}),
        ("category", "volcano"),
        ("headline", "x" * 200),
        ("colour", "red"),
        ("station", 7),
    ],
    ids=["crosses itself", "off the earth", "category", "headline", "unknown field", "type"],
)
def test_a_publication_with_a_wrong_field_is_refused_by_its_name(
    town: Town, field: str, value: Any
) -> None:
    before = count(town)
    body = {**NOTICE, field: value}
    answer = town.call("POST", "/publications", body, 422)
    assert any(field in error["field"] for error in answer["errors"]), answer
    assert all(error["reason"].strip() for error in answer["errors"])
    assert count(town) == before


def test_an_end_before_the_beginning_is_refused(town: Town) -> None:
    body = {**NOTICE, "onset": in_(hours=5), "expires": in_(hours=2)}
    answer = town.call("POST", "/publications", body, 422)
    assert "expires" in json.dumps(answer["errors"])
    past = town.http.post("/api/v1/publications", json={**NOTICE, "expires": in_(hours=-1)})
    assert past.status_code in (409, 422)
    assert past.json()["errors"][0]["field"] == "expires"


def test_a_body_of_20_megabytes_is_refused_whether_its_size_is_told_or_not(town: Town) -> None:
    body = b'{"headline": "' + b"x" * 20_000_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    told = _raw_post(town, f"Content-Length: {len(body)}\r\n", [body])
    assert told.startswith(b"HTTP/1.1 413")
    chunks = [b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"]
    assert _raw_post(town, "Transfer-Encoding: chunked\r\n", chunks).startswith(b"HTTP/1.1 413")
    assert town.http.get("/health", headers=headers).status_code in (200, 503)


def _raw_post(town: Town, length: str, parts: list[bytes]) -> bytes:
    """The head of the answer; the other side may stop reading long before the end."""
    head = (
        "POST /api/v1/publications HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
        f"Authorization: {town.http.headers['Authorization']}\r\n{length}\r\n"
    )
    with socket.create_connection(("127.0.0.1", town.port), timeout=30) as connection:
        try:
            connection.sendall(head.encode())
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass  # refused already
        try:
            return connection.recv(4096)
        except OSError:
            return b""


@pytest.mark.parametrize("url", INSIDE)
def test_a_source_inside_the_machine_is_refused(town: Town, url: str) -> None:
    body = {"name": "Agenda", "kind": "ical", "url": url}
    before = town.call("GET", "/sources")
    refused(town, "/sources", body, "url")
    refused(town, "/sources/test", body, "url")
    assert town.call("GET", "/sources") == before


@pytest.mark.parametrize("url", INSIDE)
def test_a_push_endpoint_inside_the_machine_is_refused(town: Town, url: str) -> None:
    phone = town.push.phone()
    for address in (url, url.replace("http:", "https:")):
        keys = {"p256dh": phone.p256dh, "auth": phone.auth}
        body = {"endpoint": address, "keys": keys, "stations": ["VILLARD"]}
        refused(town, "/subscriptions", body, "endpoint")


def test_a_source_that_leads_inside_is_not_followed(town: Town) -> None:
    """A listener on another port of this machine hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.2)
        port = trap.getsockname()[1]
        town.feeds.redirect("/away.ics", f"http://127.0.0.1:{port}/agenda.ics")
        body = {"name": "Agenda", "kind": "ical", "url": town.feeds.url("/away.ics")}
        refused(town, "/sources/test", body, "url")
        with pytest.raises(TimeoutError):
            trap.accept()


def test_a_push_service_that_leads_inside_is_not_followed(town: Town) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.2)
        phone, _ = town.follow("VILLARD")
        target = f"http://127.0.0.1:{trap.getsockname()[1]}/push/x"
        town.push.answer(307, to=phone.endpoint, headers={"location": target})
        good, _ = town.follow("VILLARD")
        said = town.say("Rue Jules-Ferry fermée")
        until(lambda: town.heard(good, said), "the other phone")
        until(lambda: town.board(said)["telephones"]["state"] in ("done", "failed"), "the delivery")
        assert town.board(said)["telephones"]["evidence"]["rejected"] == 1
        with pytest.raises(TimeoutError):
            trap.accept()


def _calendar(rule: str) -> bytes:
    day = datetime.now(UTC)
    event = (
        "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{day:%Y%m%d}T230000Z\r\n"
        "DTEND:{day:%Y%m%d}T233000Z\r\nSUMMARY:{uid}\r\n{rule}END:VEVENT\r\n"
    )
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests\r\n"
        + event.format(uid="chaque-seconde", day=day, rule=rule)
        + event.format(uid="loto", day=day, rule="")
        + "END:VCALENDAR\r\n"
    ).encode()


def test_an_event_every_second_is_refused_and_its_neighbour_read(town: Town) -> None:
    town.feeds.put("/s.ics", _calendar("RRULE:FREQ=SECONDLY\r\n"), "text/calendar")
    body = {"name": "Agenda", "kind": "ical", "url": town.feeds.url("/s.ics"), "category": "event"}
    read = town.call("POST", "/sources/test", body)
    assert ["chaque-seconde" in error["where"] for error in read["errors"]] == [True]
    assert read["errors"][0]["reason"].strip()
    assert any("loto" in json.dumps(item) for item in read["items"])


def test_an_xml_bomb_is_refused_before_it_grows(town: Town) -> None:
    levels = "".join(
        f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";"}{("&l" + str(n - 1) + ";") * 9}">'
        for n in range(1, 10)
    )
    bomb = (
        f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "lol">{levels}]>'
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>&l9;</identifier></alert>'
    )
    town.feeds.put("/bomb.cap", bomb.encode(), "application/cap+xml")
    for kind in ("cap", "rss"):
        body = {"name": "Alertes", "kind": kind, "url": town.feeds.url("/bomb.cap")}
        refused(town, "/sources/test", body, "url")
    assert town.http.get("/health").status_code in (200, 503)


def test_a_plan_changed_by_one_byte_is_rejected_and_said_again(
    town: Town, client: mqtt.Client
) -> None:
    """What the panel shows stays; it says why; the hub puts its own word back on the broker."""
    said = town.say("Sentier des crêtes interdit", area=around(5.8774, 45.2333))
    town.settled(said, 1)
    topic = "tambour/1/villard-bonnot/place-mairie/plan"
    plans: list[mqtt.MQTTMessage] = []
    acks: list[dict[str, Any]] = []
    client.on_message = lambda _c, _d, m: (
        plans.append(m) if m.topic == topic else acks.append(json.loads(m.payload))
    )
    client.subscribe([(topic, 1), (topic.replace("/plan", "/ack"), 1)])
    until(lambda: plans, "the retained plan")
    good = plans[0].payload
    rev = json.loads(good)["plan_rev"]
    changed = good.replace(b'"plan_rev":%d' % rev, b'"plan_rev":%d' % (rev + 1))
    assert sum(a != b for a, b in zip(good, changed, strict=True)) >= 1
    client.publish(topic, changed, 1, True, plans[0].properties).wait_for_publish(30)
    until(lambda: any(a["stage"] == "rejected" for a in acks), "the panel to refuse it")
    (reason,) = {a["reason"] for a in acks if a["stage"] == "rejected"}
    assert reason == "signature"
    assert town.shows("place-mairie", said) == [1]
    until(lambda: plans[-1].payload not in (good, changed), "the hub's own plan")
    until(lambda: town.face("place-mairie")["plan_rev"] > rev, "the panel to obey it")
    town.settled(said, 1)


def test_base64_of_nothing_is_no_key(town: Town) -> None:
    phone = town.push.phone()
    keys = {"p256dh": base64.urlsafe_b64encode(b"\x04" + b"\0" * 64).decode(), "auth": phone.auth}
    body = {"endpoint": phone.endpoint, "keys": keys, "stations": ["VILLARD"]}
    refused(town, "/subscriptions", body, "keys.p256dh")
