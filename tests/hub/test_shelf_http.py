"""The shelf over HTTP: fresh, small, cacheable, and over when it is over, no worker needed."""

import asyncio
import random
from datetime import timedelta
from types import SimpleNamespace

import pytest

from hub import clock
from hub.shelf import etag_of
from tests.hub.shelf_process import FEED, LONG, NOW, Renewing, feed, said, serving, store

pytestmark = [
    pytest.mark.parametrize("database", ["hub_on_sqlite"], indirect=True),
    pytest.mark.usefixtures("at"),
]


def get(path=FEED, method="GET", **headers):
    """One request to a fresh web process."""

    async def run():
        async with serving() as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers={"accept-encoding": "", **named})

    return asyncio.run(run())


def test_a_stored_document_is_served_with_everything_a_cache_needs(site):
    store(site, feed(b"{}"))
    answer = get()
    assert answer.status_code == 200
    assert answer.content == b"{}"
    assert answer.headers["content-type"] == "application/feed+json"
    assert answer.headers["etag"] == f'"{etag_of(b"{}")}"'
    assert answer.headers["last-modified"] == "Mon, 02 Mar 2026 08:30:00 GMT"
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-length"] == "2"
    assert "vary" not in answer.headers


def test_a_head_has_the_headers_and_no_body(site):
    store(site, feed(LONG))
    full, head = get(), get(method="HEAD")
    assert head.headers == full.headers
    assert (len(full.content), head.content) == (len(LONG), b"")


def test_what_is_not_on_the_shelf_is_the_routers(site):
    store(site, feed())
    for path in ("/s/mairie/", "/s/mairie/feed.jso", "/s/mairie/feed.json/", "/api/v1/plans"):
        assert get(path).content == b"router"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_stored_document_cannot_be_written(site, method):
    store(site, feed())
    answer = get(method=method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_script_of_another_site_may_ask_conditionally(site):
    store(site, feed())
    answer = get(method="OPTIONS", origin="https://town.example")
    assert answer.status_code == 204
    assert "If-None-Match" in answer.headers["access-control-allow-headers"]


TAG = etag_of(LONG)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if_none_match": f'"{TAG}"'}, 304),
        ({"if_none_match": f'W/"{TAG}"'}, 304),
        ({"if_none_match": f'"{TAG}-gz"'}, 304),
        ({"if_none_match": f'"a", W/"b,c" , "{TAG}"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"other"'}, 200),
        ({"if_none_match": ""}, 200),
        ({"if_modified_since": "Mon, 02 Mar 2026 08:30:00 GMT"}, 304),
        ({"if_modified_since": "Mon, 02 Mar 2026 08:31:00 GMT"}, 304),
        ({"if_modified_since": "Mon, 02 Mar 2026 08:29:59 GMT"}, 200),
        ({"if_modified_since": "Mon, 02 Mar 2026 08:30:00 -0000"}, 304),
        ({"if_modified_since": "yesterday"}, 200),
        (
            {
                "if_none_match": '"other"',
                "if_modified_since": "Mon, 02 Mar 2026 08:30:00 GMT",
            },
            200,
        ),
    ],
)
def test_conditional_requests(site, headers, status):
    store(site, feed(LONG), NOW + timedelta(milliseconds=400))
    answer = get(**headers)
    assert answer.status_code == status
    assert answer.headers["etag"] == f'"{TAG}"'
    if status == 304:
        assert answer.content == b""
        assert "content-type" not in answer.headers
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert answer.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("gzip", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("br", False),
        ("identity", False),
        ("gzip;q=wrong", False),
    ],
)
def test_a_long_document_goes_zipped_to_who_takes_it_under_a_tag_of_its_own(site, accepted, zipped):
    store(site, feed(LONG))
    answer = get(accept_encoding=accepted)
    assert answer.content == LONG  # the client unzips
    assert answer.headers.get("content-encoding") == ("gzip" if zipped else None)
    assert answer.headers["etag"] == (f'"{TAG}-gz"' if zipped else f'"{TAG}"')
    assert answer.headers["vary"] == "accept-encoding"
    if zipped:
        assert int(answer.headers["content-length"]) < len(LONG)


@pytest.mark.parametrize("body", [b"x" * 1024, random.Random(1).randbytes(3000)])
def test_what_is_short_or_does_not_get_smaller_is_not_zipped(site, body):
    store(site, feed(body))
    answer = get(accept_encoding="gzip")
    assert "content-encoding" not in answer.headers
    assert "vary" not in answer.headers


def test_a_page_may_be_framed_but_loads_nothing_from_elsewhere(site):
    store(site, said(("/s/mairie/page.html", "text/html; charset=utf-8", b"<p>")))
    answer = get("/s/mairie/page.html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors" not in answer.headers["content-security-policy"]
    assert "x-frame-options" not in answer.headers


def test_an_escaped_path_is_found(site):
    store(site, feed(path="/s/caf%C3%A9/feed.json"))
    assert get("/s/caf%C3%A9/feed.json").status_code == 200


@pytest.mark.parametrize(("left", "age"), [(3600, 60), (60, 60), (12.9, 12), (0.4, 0)])
def test_no_cache_keeps_it_past_its_validity(site, left, age):
    store(site, feed(valid_until=NOW + timedelta(seconds=left)))
    assert get().headers["cache-control"] == f"public, max-age={age}"


def test_past_its_validity_it_is_rendered_afresh_and_what_ended_is_gone(site, at):
    end = NOW + timedelta(minutes=5)
    page = ("/s/mairie/n/1.html", "text/html", b"1")
    store(site, said((FEED, "application/json", b"[1]"), page, valid_until=end))
    renew = Renewing(feed(b"[]", valid_until=end + timedelta(hours=1)))

    async def scenario():
        async with serving(renew) as client:
            assert (await client.get(FEED)).content == b"[1]"
            assert renew.calls == []
            at.now = end
            fresh = await client.get(FEED)
            assert fresh.content == b"[]"
            assert fresh.headers["last-modified"] == "Mon, 02 Mar 2026 08:35:00 GMT"
            assert (await client.get("/s/mairie/n/1.html")).content == b"router"
            assert (await client.get(FEED)).content == b"[]"
            assert renew.calls == [site.id]

    asyncio.run(scenario())


def test_a_document_that_did_not_change_keeps_its_date(site, at):
    end = NOW + timedelta(minutes=5)
    store(site, feed(valid_until=end))
    renew = Renewing(feed(valid_until=end + timedelta(hours=1)))

    async def scenario():
        async with serving(renew) as client:
            at.now = end
            fresh = await client.get(FEED)
            assert fresh.headers["last-modified"] == "Mon, 02 Mar 2026 08:30:00 GMT"

    asyncio.run(scenario())


def test_many_requests_at_once_render_once(site, at):
    end = NOW + timedelta(minutes=5)
    store(site, feed(b"[1]", valid_until=end))
    renew = Renewing(feed(b"[]"))
    renew.held.clear()

    async def scenario():
        async with serving(renew) as client:
            at.now = end
            asked = [asyncio.create_task(client.get(FEED)) for _ in range(20)]
            while not renew.calls:
                await asyncio.sleep(0.001)
            renew.held.set()
            assert {answer.content for answer in await asyncio.gather(*asked)} == {b"[]"}
            assert renew.calls == [site.id]

    asyncio.run(scenario())


def test_what_cannot_be_rendered_is_not_shown_and_is_tried_again(site, at, monkeypatch):
    end = NOW + timedelta(minutes=5)
    store(site, feed(b"[1]", valid_until=end))
    renew = Renewing(feed(b"[]"))
    renew.fails = True
    ticks = SimpleNamespace(now=0.0)
    monkeypatch.setattr(clock, "monotonic", lambda: ticks.now)

    async def scenario():
        async with serving(renew) as client:
            at.now = end
            for _ in range(3):
                answer = await client.get(FEED)
                assert answer.status_code == 503
                assert answer.headers["retry-after"] == "5"
                assert answer.headers["cache-control"] == "no-store"
            assert len(renew.calls) == 1
            renew.fails = False
            ticks.now = 1.5
            assert (await client.get(FEED)).content == b"[]"

    asyncio.run(scenario())


def test_an_outlet_that_is_no_more_is_the_routers(site, at):
    end = NOW + timedelta(minutes=5)
    store(site, feed(valid_until=end))

    async def scenario():
        async with serving(Renewing(None)) as client:
            at.now = end
            assert (await client.get(FEED)).content == b"router"

    asyncio.run(scenario())


def test_what_this_process_rendered_is_looked_at_again_after_a_minute(site, at):
    end = NOW + timedelta(minutes=5)
    store(site, feed(b"[1]", valid_until=end))
    renew = Renewing(feed(b"[]"))

    async def scenario():
        async with serving(renew) as client:
            at.now = end
            await client.get(FEED)
            renew.answer = feed(b"[2]")
            at.now = end + timedelta(seconds=59)
            assert (await client.get(FEED)).content == b"[]"
            at.now = end + timedelta(seconds=60)
            assert (await client.get(FEED)).content == b"[2]"

    asyncio.run(scenario())
