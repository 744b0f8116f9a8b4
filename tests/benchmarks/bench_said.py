"""From the POST of a notice to all who show it: two panels, a feed, a Firefox, four SMS, a post.

The whole instance runs as real processes (`tambour up --demo`), once on mosquitto and once on the
broker that comes as a package. Limit: the bare path to the same place with the same bytes, without
a database, a plan or a board: paho to paho, one encrypted push, one HTTP request. Nobody else says
a thing on all of these, so there is no peer.

Run: python -m tests.benchmarks.bench_said
"""

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from channels.panels.wire import Broker
from channels.push.encryption import unbase64
from tests.benchmarks import bare_push
from tests.benchmarks.instance import TOWN, Instance
from tests.benchmarks.measure import ROUNDS, row, seconds, spread
from tests.benchmarks.phone import Phone
from tests.fakes import brokers, mastodon
from tests.fakes.mastodon import Instance as Mastodon
from tests.fakes.operator import Operator
from tests.fakes.push_service import PushService

TWINS = {"place-mairie", "gare-lancey"}
NUMBERS = 4
LOOK_S = 0.01
LIMIT_S = 30.0
Times = dict[str, float]


def run() -> list[dict[str, Any]]:
    """Rows in seconds."""
    return [*_everywhere(), *_panels_on_the_packaged_broker()]


def _everywhere() -> list[dict[str, Any]]:
    with ExitStack() as stack:
        service = stack.enter_context(PushService())
        operator = stack.enter_context(Operator())
        social = stack.enter_context(Mastodon())
        pairs = (service.pair, operator.address, social.address)
        hub = stack.enter_context(Instance(TAMBOUR_ALLOW_PRIVATE=",".join(pairs)))
        _change(hub, "mastodon", instance=social.url, token=mastodon.TOKEN)
        _change(hub, "sms", url=operator.url)
        phone = stack.enter_context(Phone(service, hub.port))
        wire = stack.enter_context(_BareWire(hub.broker))

        def say(number: int) -> Times:
            title = f"Rue de la Gare fermée, mesure {number}"
            watches = {
                "Firefox": lambda: phone.wait_for(title),
                f"{NUMBERS} SMS": _until(
                    lambda: sum(title in text for _, text in list(operator.log)) >= NUMBERS
                ),
                "Mastodon": _until(
                    lambda: any(title in s["text"] for s in list(social.statuses.values()))
                ),
            }
            return _say(hub, title, watches)

        def bare(number: int) -> Times:
            title = f"Rue de la Gare, chemin nu {number}"
            times = {"both panels": wire.time()}
            times["JSON Feed"] = seconds(lambda: hub.get("/s/VILLARD/feed.json"))
            times["Firefox"] = seconds(lambda: _bare_push(phone, title))
            call = dict(operator.calls[-1])
            times[f"{NUMBERS} SMS"] = seconds(
                lambda: [_bare_post(operator.url, "/jsonrpc/sms", call) for _ in range(NUMBERS)]
            )
            token = {"Authorization": f"Bearer {mastodon.TOKEN}"}
            text = {"status": title}
            times["Mastodon"] = seconds(
                lambda: _bare_post(social.url, "/api/v1/statuses", text, token)
            )
            return times

        how = "SQLite, mosquitto"
        return _rows(how, *_take_turns(say, bare))


def _panels_on_the_packaged_broker() -> list[dict[str, Any]]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        broker = next(running := brokers.running("iotcore", Path(folder)))
        stack.callback(lambda: next(running, None))
        hub = stack.enter_context(Instance(TAMBOUR_MQTT_URL=broker.url))
        wire = stack.enter_context(_BareWire(broker.url))

        def say(number: int) -> Times:
            return _say(hub, f"Rue de la Gare fermée, mesure {number}", {})

        times, limits = _take_turns(say, lambda _: {"both panels": wire.time()})
        only = [{"both panels": t["both panels"]} for t in times]
        return _rows("SQLite, iotcore", only, limits)


def _take_turns(
    say: Callable[[int], Times], bare: Callable[[int], Times]
) -> tuple[list[Times], list[Times]]:
    """The first round warms up connections and compiled rules; it does not count."""
    ours, limits = [], []
    for number in range(ROUNDS + 1):
        ours.append(say(number))
        limits.append(bare(number))
    return ours[1:], limits[1:]


def _rows(how: str, times: list[Times], limits: list[Times]) -> list[dict[str, Any]]:
    """A board is green when the last of all is, so its limit is the longest of theirs."""
    rows = []
    broker = how.split(", ")[1]
    for where in times[0]:
        taken = [t[where] for t in times]
        rows.append(
            row(
                f"said: POST to {where} ({broker})",
                "s",
                ours=statistics.median(taken),
                limit=statistics.median(t.get(where, max(t.values())) for t in limits),
                conditions=f"{spread(taken)} s; {how}, two panels, every role a process",
            )
        )
    return rows


def _say(hub: Instance, title: str, watches: dict[str, Callable[[], None]]) -> Times:
    """Publish, note when each saw it, then end it and wait until the town is quiet again."""
    times: Times = {}
    troubles: list[BaseException] = []
    began = 0.0

    def watch(name: str, until: Callable[[], None]) -> None:
        try:
            until()
            times[name] = time.perf_counter() - began
        except BaseException as trouble:
            troubles.append(trouble)

    threads = [threading.Thread(target=watch, args=pair, daemon=True) for pair in watches.items()]
    for thread in threads:
        thread.start()
    time.sleep(0.2)  # the browser is looking before we speak
    began = time.perf_counter()
    made = hub.ask("POST", "/api/v1/publications", _notice(title))
    wanted = {"both panels", "JSON Feed", "a board all green"}
    while wanted - times.keys():
        rows = hub.board(made["id"])
        now = time.perf_counter() - began
        shown = {r["outlet"] for r in rows if r["state"] == "shown" and r["shown_revision"] == 1}
        if shown >= TWINS:
            times.setdefault("both panels", now)
        if all(r["ok"] for r in rows):
            times.setdefault("a board all green", now)
        if "JSON Feed" not in times and made["id"].encode() in hub.get("/s/VILLARD/feed.json"):
            times["JSON Feed"] = time.perf_counter() - began
        assert now < LIMIT_S, [r for r in rows if not r["ok"]]
        time.sleep(LOOK_S)
    for thread in threads:
        thread.join(LIMIT_S)
    if troubles:
        raise troubles[0]
    hub.ask("POST", f"/api/v1/publications/{made['id']}/cancel", {"ended_as": "over"})
    hub.wait(lambda: all(r["ok"] for r in hub.board(made["id"])), "the end", LIMIT_S)
    return {name: times[name] for name in (*sorted(wanted), *watches)}


def _notice(title: str) -> dict[str, Any]:
    return {
        "headline": title,
        "instruction": "Suivez la déviation par l'avenue Foch.",
        "category": "roadworks",
        "severity": "Moderate",
        "urgency": "Immediate",
        "area_desc": "Rue de la Gare",
        "state": "live",
    }


def _change(hub: Instance, outlet: str, **options: str) -> None:
    hub.ask("PATCH", f"/api/v1/outlets/{outlet}", {"options": options})


def _until(true: Callable[[], object]) -> Callable[[], None]:
    def wait() -> None:
        end = time.monotonic() + LIMIT_S
        while not true():
            assert time.monotonic() < end
            time.sleep(0.002)

    return wait


def _bare_post(
    url: str, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc.rpartition("@")[2], timeout=30)
    sent = {"Content-Type": "application/json", **(headers or {})}
    connection.request("POST", path, json.dumps(body), sent)
    assert connection.getresponse().status == 200
    connection.close()


def _bare_push(phone: Phone, title: str) -> None:
    keys = phone.subscription["keys"]
    message = {
        "title": title, "body": "Suivez la déviation par l'avenue Foch.", "tag": title,
        "publication": title, "url": "https://annonces.example/", "revision": 1,
        "intent": "publish", "expires": int(time.time()) + 3600, "sent": int(time.time()),
        "severity": "Moderate", "station": "Mairie", "lang": "fr",
    }  # fmt: skip
    lines = ["TTL: 60", "Content-Encoding: aes128gcm", "Authorization: vapid t=a,k=b"]
    text = json.dumps(message).encode()
    where = [phone.subscription["endpoint"]]
    bare_push.send(where, text, unbase64(keys["p256dh"]), unbase64(keys["auth"]), lines)
    phone.wait_for(title)


class _BareWire:
    """The two retained plans as they stand, from one paho client to another, QoS 1."""

    def __init__(self, url: str) -> None:
        self._plans: dict[str, bytes] = {}
        self._came = threading.Semaphore(0)
        at = Broker.at(url)
        self._clients = []
        for name in ("bench-out", "bench-in"):
            client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
            if at.user:
                client.username_pw_set(at.user, at.password)
            client.on_message = self._on_message
            client.connect(at.host, at.port)
            client.loop_start()
            self._clients.append(client)
        self._out, into = self._clients
        into.subscribe([(f"tambour/1/{TOWN}/+/plan", 1), ("bench/+", 1)])

    def __enter__(self) -> "_BareWire":
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.disconnect()
            client.loop_stop()

    def _on_message(self, _client: Any, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.startswith("bench/"):
            self._came.release()
        else:
            self._plans[message.topic] = max(
                bytes(message.payload), self._plans.get(message.topic, b""), key=len
            )

    def time(self) -> float:
        """Seconds until both plans have come; the longest of each panel seen so far, which is the
        one with the notice in it."""
        plans = [p for t, p in sorted(self._plans.items()) if t.split("/")[3] in TWINS]
        assert len(plans) == len(TWINS)
        began = time.perf_counter()
        for number, plan in enumerate(plans):
            self._out.publish(f"bench/{number}", plan, qos=1)
        for _ in plans:
            assert self._came.acquire(timeout=LIMIT_S)
        return time.perf_counter() - began


if __name__ == "__main__":
    for each in run():
        print(json.dumps(each, ensure_ascii=False))
