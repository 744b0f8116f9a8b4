"""The demo town: seeded whole, again without harm, its feeds read by our own connectors."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from sqlmodel import select

from hub import accounts, clock, db, demo, outlets, registry, vault
from hub.embedded import feeds
from hub.models import Authority, Contact, DisplayRow, Member, Outlet, Source, Station

AT = {"feeds": 4001, "street": 4002, "face1": 4003, "face2": 4004}


def authority() -> Authority:
    with db.reading(db.EVERYWHERE) as session:
        return accounts.authority_by_code(session, "villard-bonnot")


def test_the_town_has_stations_outlets_of_every_kind_and_sources(hub_on_sqlite: Path) -> None:
    lines = demo.seed(AT, told=False)
    assert lines is not None
    assert lines[0].split() == ["address", "mairie@villard-bonnot.example"]
    town = authority()
    assert (town.insee, town.timezone, town.languages) == ("38547", "Europe/Paris", ["fr", "en"])
    with db.reading(town.id or 0) as session:
        rows = session.exec(select(Outlet)).all()
        displays = session.exec(select(DisplayRow)).all()
        assert {s.code for s in session.exec(select(Station)).all()} == {
            "VILLARD",
            "TRAVAUX",
            "ECOLE",
        }
        sources = {s.kind: s for s in session.exec(select(Source)).all()}
        numbers = [vault.unseal(c.sealed, "phone").decode() for c in session.exec(select(Contact))]
    assert {row.kind for row in rows} >= {"panel", "website", "push", "mastodon", "sms", "null"}
    assert len(displays) == sum(registry.is_display(row.kind) for row in rows)
    assert {row.code for row in rows if row.kind == "panel"} == {"place-mairie", "gare-lancey"}
    assert sources["ical"].url == "http://127.0.0.1:4001/agenda.ics"
    assert sources["cap"].intake == "draft"
    assert numbers
    assert all(number.startswith("+3363998") for number in numbers)  # reserved for fiction


def test_every_outlet_of_the_town_has_options_that_its_kind_takes(hub_on_sqlite: Path) -> None:
    demo.seed(AT, told=False)
    with db.reading(authority().id or 0) as session:
        for row in session.exec(select(Outlet)).all():
            assert outlets.options_of(row) is not None
            assert "demonstration" not in str(row.options)  # tokens are sealed, not open


def test_seeding_again_keeps_what_a_person_changed(hub_on_sqlite: Path) -> None:
    demo.seed(AT, told=False)
    owner = authority().id or 0
    with db.writing(owner) as session:
        panel = session.exec(select(Outlet).where(Outlet.code == "gare-lancey")).one()
        panel.name, panel.paused = "Quai 1", True
        session.add(panel)
    assert demo.seed(AT, told=True) is None
    with db.reading(owner) as session:
        panel = session.exec(select(Outlet).where(Outlet.code == "gare-lancey")).one()
        assert (panel.name, panel.paused) == ("Quai 1", True)
        assert len(session.exec(select(Station)).all()) == 3
        assert len(session.exec(select(Source)).all()) == 2
        assert len(session.exec(select(Contact)).all()) == 4


def test_seeding_again_follows_the_ports_of_street_and_feeds(hub_on_sqlite: Path) -> None:
    demo.seed(AT, told=False)
    demo.seed(AT | {"feeds": 5001, "street": 5002}, told=True)
    with db.reading(authority().id or 0) as session:
        mastodon = session.exec(select(Outlet).where(Outlet.kind == "mastodon")).one()
        assert mastodon.options["instance"] == "http://127.0.0.1:5002"
        for source in session.exec(select(Source)).all():
            assert source.url.startswith("http://127.0.0.1:5001/")


def test_a_password_that_nobody_saw_is_made_anew_and_one_that_was_seen_stays(
    hub_on_sqlite: Path,
) -> None:
    first, second = demo.seed(AT, told=False), demo.seed(AT, told=False)
    assert first is not None
    assert second is not None
    old, new = first[1].split()[1], second[1].split()[1]
    assert old != new
    assert demo.seed(AT, told=True) is None
    with db.writing(db.EVERYWHERE) as session:
        assert accounts.sign_in(session, "mairie@villard-bonnot.example", old) is None
        assert accounts.sign_in(session, "mairie@villard-bonnot.example", new) is not None
    with db.reading(db.EVERYWHERE) as session:
        assert len(session.exec(select(Member)).all()) == 1


def test_the_days_of_a_feed_are_counted_from_today() -> None:
    now = datetime(2026, 2, 27, 9, tzinfo=UTC)
    assert feeds.render("{day+3} {date-1} {day+0} {other}", now) == (
        "20260302 2026-02-26 20260227 {other}"
    )


@pytest.mark.parametrize(("name", "kind"), [("agenda.ics", "ical"), ("vigilance.cap", "cap")])
def test_our_own_connectors_read_the_demo_feeds_without_complaint(name: str, kind: str) -> None:
    now = clock.now()
    text = feeds.render((feeds.FOLDER / name).read_text("utf-8"), now)
    loaded = registry.connector(kind)
    parsed = loaded(loaded.Options(url=f"http://127.0.0.1:1/{name}")).parse(text.encode(), now)
    assert parsed.errors == ()
    assert parsed.items
    assert all(item.external_id for item in parsed.items)


@pytest.fixture
def served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), feeds.Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_feeds_are_served_with_an_etag(served: str) -> None:
    answer = httpx2.get(f"{served}/agenda.ics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "{day" not in answer.text
    again = httpx2.get(f"{served}/agenda.ics", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/../villard-bonnot.yaml", "/%2e%2e/x.ics", "/none.ics"])
def test_nothing_else_is_served(served: str, path: str) -> None:
    assert httpx2.get(served + path).status_code == 404
