"""A whole instance as real processes, and the outside world around it.

`running(form, folder)` starts what `tambour up` starts, through its own supervisor, with a small
town and two panels in software with their faces; beside it a real broker, an SMS operator, a
Mastodon instance and a push service. Forms: "embedded" (SQLite, the iotcore broker) and "grown"
(PostgreSQL, mosquitto); the queue is a real Valkey in both.

Tests speak to it as anybody would: over HTTP, on the broker, with signals to its processes.
"""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import redis

from hub.embedded import ports
from tests.conftest import uri_of
from tests.fakes.brokers import Broker
from tests.fakes.brokers import running as running_broker
from tests.fakes.feeds import Feeds
from tests.fakes.mastodon import Instance as Mastodon
from tests.fakes.operator import Operator
from tests.fakes.push_service import FakePhone, PushService
from tests.scenarios.seeding import AUTHORITY, PANELS, seed

FORMS = {"embedded": "iotcore", "grown": "mosquitto"}
WAIT_S = 45.0
_PROJECT = Path(__file__).parents[2]


def until(true: Callable[[], Any], what: str, seconds: float = WAIT_S) -> Any:
    """What `true()` gives once it is something; a refused connection counts as not yet. After
    `seconds` it fails with `what` and what was seen last."""
    deadline = time.monotonic() + seconds
    seen: object = None
    while True:
        try:
            if seen := true():
                return seen
        except (httpx2.HTTPError, OSError) as error:
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what}; last: {seen!r}")
        time.sleep(0.1)


class Town:
    """The running instance, its outside, and what a test asks of them."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        operator: Operator,
        mastodon: Mastodon,
        push: PushService,
        feeds: Feeds,
        database: str,
    ) -> None:
        self.folder, self.broker, self.feeds = folder, broker, feeds
        self.operator, self.mastodon, self.push = operator, mastodon, push
        self.port = ports.free()
        self.url = f"http://127.0.0.1:{self.port}"
        self.faces = {panel: ports.free() for panel in PANELS}
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TAMBOUR_")},
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "TAMBOUR_DATA": str(folder),
            "TAMBOUR_TESTING": "1",
            "TAMBOUR_MQTT_URL": broker.url,
            "TAMBOUR_DATABASE_URL": database,
            "TAMBOUR_ALLOW_PRIVATE": ",".join(
                (operator.address, mastodon.address, push.pair, feeds.pair)
            ),
            "TOWN_SMS": operator.url,
            "TOWN_MASTODON": mastodon.url,
            "TOWN_FACES": json.dumps(self.faces),
        }
        self.http = httpx2.Client(base_url=self.url, timeout=20, trust_env=False)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self.folder / "up.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.scenarios.instance"],
            cwd=_PROJECT,
            env=self._environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        until(self._is_up, f"the instance to start; see {self.folder}/up.log", 100)
        self.http.headers["Authorization"] = f"Bearer {(self.folder / 'token').read_text()}"

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "up.log").read_text()[-3000:]
        return (self.folder / "pids.json").exists()

    def stop(self) -> None:
        self.http.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(40)
            except subprocess.TimeoutExpired:
                self._process.kill()  # its warden ends the rest
                self._process.wait()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A `tambour` command in another terminal of the same machine."""
        return subprocess.run(
            [sys.executable, "-m", "hub.main", *words],
            cwd=_PROJECT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
        )

    # Processes

    def processes(self) -> dict[str, tuple[int, bool]]:
        """Name of each supervised process that runs: (pid, whether it is ready)."""
        rows = json.loads((self.folder / "pids.json").read_text())
        return {name: (pid, ready) for name, (pid, ready) in rows.items()}

    def kill(self, *names: str) -> Callable[[], None]:
        """kill -9 of their process groups; what it returns waits until the supervisor has them
        running again."""
        before = self.processes()
        for name in names:
            os.killpg(before[name][0], signal.SIGKILL)

        def wait() -> None:
            def again() -> bool:
                now = self.processes()
                return all(n in now and now[n][0] != before[n][0] and now[n][1] for n in names)

            until(again, f"{names} to run again")

        return wait

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """These roles do nothing meanwhile."""
        running = self.processes()
        for name in names:
            os.killpg(running[name][0], signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                with suppress(ProcessLookupError):  # killed meanwhile
                    os.killpg(running[name][0], signal.SIGCONT)

    @property
    def queue(self) -> redis.Redis:
        """The instance's own Valkey."""
        kept = json.loads((self.folder / "run.json").read_text())
        return redis.Redis.from_url(kept["settings"]["redis_url"])

    # The API

    def call(self, method: str, path: str, body: Any = None, status: int | None = None) -> Any:
        answer = self.http.request(method, f"/api/v1{path}", json=body)
        if status is not None:
            assert answer.status_code == status, answer.text
        else:
            assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def say(self, headline: str, **more: Any) -> dict[str, Any]:
        """Publish at once: a closed road for six hours, unless said otherwise."""
        body = {
            "station": "VILLARD",
            "state": "live",
            "category": "closure",
            "severity": "Minor",
            "headline": headline,
            "expires": in_(hours=6),
        } | more
        made: dict[str, Any] = self.call("POST", "/publications", body)
        return made

    def revise(self, publication: dict[str, Any], **changes: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.call(
            "POST", f"/publications/{publication['id']}/revisions", changes
        )
        return made

    def cancel(self, publication: dict[str, Any], ended_as: str = "over") -> None:
        self.call("POST", f"/publications/{publication['id']}/cancel", {"ended_as": ended_as})

    def board(self, publication: dict[str, Any]) -> dict[str, dict[str, Any]]:
        rows = self.call("GET", f"/publications/{publication['id']}/board")["rows"]
        return {row["outlet"]: row for row in rows}

    def settled(self, publication: dict[str, Any], revision: int | None) -> dict[str, Any]:
        """The board once every row is as wanted and is of this revision (None: over)."""

        def done() -> dict[str, Any] | None:
            board = self.board(publication)
            live = [r for r in board.values() if r["wanted_revision"] is not None]
            if revision is None:  # a message that was said is not unsaid by time alone
                good = not any(r["kind"] in ("panel", "website") for r in live)
            else:
                good = bool(live) and all(r["wanted_revision"] == revision for r in live)
            pending = ("waiting", "open")
            over = revision is None
            good = good and all(
                r["ok"] or (over and "intent" in r["evidence"] and r["state"] not in pending)
                for r in board.values()
            )
            return board if good else None

        try:
            found: dict[str, Any] = until(done, f"the board at revision {revision}")
        except AssertionError as error:
            rows = [
                (r["outlet"], r["wanted_revision"], r["shown_revision"], r["state"], r["reason"])
                for r in self.board(publication).values()
            ]
            raise AssertionError(f"{error}; {rows}") from None
        return found

    def follow(self, station: str, **wishes: Any) -> tuple[FakePhone, str]:
        """A phone that follows a station, and its token."""
        phone = self.push.phone()
        body = {
            "endpoint": phone.endpoint,
            "keys": {"p256dh": phone.p256dh, "auth": phone.auth},
            "stations": [station],
            "language": "fr",
        } | wishes
        return phone, self.call("POST", "/subscriptions", body)["token"]

    # What citizens see

    def text(self, path: str) -> str:
        """A page or feed; the very first may take the half second between two looks of the web."""

        def served() -> httpx2.Response | None:
            answer = self.http.get(path)
            return answer if answer.status_code == 200 else None

        return str(until(served, path).text)

    def reads(self, path: str, *words: str, without: str = "") -> str:
        """The page or feed once it holds all these words and not that one."""

        def right() -> str | None:
            text = self.text(path)
            good = all(word in text for word in words) and not (without and without in text)
            return text if good else None

        return str(until(right, f"{words} in {path}, without {without!r}"))

    def face(self, panel: str) -> dict[str, Any]:
        """What the panel shows at this moment, as its own page tells it."""
        state = httpx2.get(
            f"http://127.0.0.1:{self.faces[panel]}/state.json", timeout=10, trust_env=False
        )
        return dict(state.json())

    def shows(self, panel: str, publication: dict[str, Any]) -> list[int]:
        """The revisions of the publication on the face: none or one."""
        return [i["rev"] for i in self.face(panel)["items"] if i["pub"] == publication["id"]]

    def heard(self, phone: FakePhone, publication: dict[str, Any]) -> list[dict[str, Any]]:
        """What the phone was told of the publication."""
        return [m for m in self.push.messages(phone) if m.get("publication") == publication["id"]]

    def texted(self, word: str) -> list[tuple[str, str]]:
        """(number, text) of the SMS that hold `word`."""
        return [(number, text) for number, text in list(self.operator.log) if word in text]


def in_(**span: float) -> str:
    """RFC 3339, from now."""
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def around(longitude: float, latitude: float, half: float = 0.001) -> dict[str, Any]:
    """A small square."""
    west, east = longitude - half, longitude + half
    south, north = latitude - half, latitude + half
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


@contextmanager
def running(form: str, folder: Path, postgres: str = "") -> Iterator[Town]:
    """A town of this form, ready; all of it ended at the end. `postgres`: the server's address."""
    with ExitStack() as stack:
        database = ""
        if form == "grown":
            database = stack.enter_context(_database(postgres))
        broker = stack.enter_context(closing(running_broker(FORMS[form], folder)))
        town = Town(
            folder,
            next(broker),
            stack.enter_context(Operator()),
            stack.enter_context(Mastodon()),
            stack.enter_context(PushService()),
            stack.enter_context(Feeds()),
            database,
        )
        stack.callback(town.stop)
        town.start()
        yield town


@contextmanager
def _database(server: str) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE tambour_template")  # type: ignore[arg-type]
    yield uri_of(server, name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


def main() -> None:
    """The instance's own process: the town's rows, then what `tambour up` starts, and the twins."""
    from hub import migrate, settings, up
    from hub.embedded.supervisor import Supervisor

    given = settings.load(join=False)
    data = given.data.resolve()
    settings.get.cache_clear()
    migrate.upgrade()
    seed(data)
    with Supervisor(data, lambda line: print(line, flush=True)) as supervisor:  # noqa: T201
        up._start(supervisor, given, data, demo=False)
        for panel, port in json.loads(os.environ["TOWN_FACES"]).items():
            supervisor.start(
                up.of_ours(
                    f"twin-{panel}",
                    *("panel", "emulate", "--authority", AUTHORITY, "--panel", panel),
                    *("--model", PANELS[panel], "--face-port", str(port), "--at-once"),
                    ready=lambda _log, port=port: ports.answers("127.0.0.1", port),
                )
            )
        supervisor.wait_ready(100)
        known = ""

        def tell() -> None:
            nonlocal known
            rows = {
                c.service.name: (c.process.pid, c.is_ready)
                for c in supervisor.children
                if c.process is not None
            }
            if (text := json.dumps(rows)) != known:
                known = text
                partial = data / "pids.new"
                partial.write_text(text)
                partial.replace(data / "pids.json")

        supervisor.run(tell)


if __name__ == "__main__":
    main()
