"""Public transport alerts in GTFS-Realtime: wire format, text and JSON."""

import pytest
from google.protobuf import text_format
from google.transit import gtfs_realtime_pb2 as rt

from hub.contracts import SourceUnreadable
from hub.vocabulary import MsgType, ResponseType, Severity
from tests.connectors.reading import by_id, only, raw_of, read, utc


def feed(body: str) -> bytes:
    head = 'header { gtfs_realtime_version: "2.0" }'
    message = text_format.Parse(f'{head} entity {{ id: "1" alert {{ {body} }} }}', rt.FeedMessage())
    raw: bytes = message.SerializeToString()
    return raw


def test_the_wire_the_text_and_the_json_say_the_same() -> None:
    wire = read("gtfs_rt", "alerts.pb")
    assert wire == read("gtfs_rt", "alerts.asciipb") == read("gtfs_rt", "alerts.json")
    assert wire.complete
    item = by_id(wire)["1"]
    assert list(item.texts) == ["fr", "en"]
    assert item.texts["fr"].headline == "Ligne C1 déviée"
    assert item.texts["en"].headline == "Line C1 on diversion"
    assert (item.onset, item.expires) == (utc("2026-03-12T15:00"), utc("2026-03-13T15:00"))
    assert item.geocodes == {"route": ("C1",), "stop": ("gare",)}
    assert item.tags == ("DETOUR", "CONSTRUCTION")
    assert item.link == "https://bus.example/c1"


def test_an_alert_without_words_gets_ours() -> None:
    item = by_id(read("gtfs_rt", "alerts.pb"))["2"]
    assert item.texts["fr"].headline == "Service interrompu (grève)"
    assert item.texts["fr"].description == "Lignes concernées : T1."
    assert item.texts["en"].headline == "No service (strike)"
    assert (item.response_type, item.severity) == (ResponseType.AVOID, Severity.MODERATE)


def test_words_without_a_language_are_the_sources_own() -> None:
    assert list(by_id(read("gtfs_rt", "alerts.pb"))["3"].texts) == ["fr"]
    assert list(by_id(read("gtfs_rt", "alerts.pb", language="es"))["3"].texts) == ["es"]


def test_a_differential_feed_ends_what_it_deletes_and_closes_nothing_else() -> None:
    parsed = read("gtfs_rt", "differential.pb")
    assert not parsed.complete
    gone = by_id(parsed)["9"]
    assert (gone.msg_type, gone.cancels) == (MsgType.CANCEL, ("9",))
    assert "v" not in by_id(parsed)  # a vehicle is no alert


def test_several_periods_span_from_the_first_to_the_last() -> None:
    words = 'header_text { translation { text: "Travaux" } }'
    item = only(read("gtfs_rt", feed(
        "active_period { start: 1773327600 end: 1773331200 } "
        f"active_period {{ start: 1773414000 end: 1773417600 }} {words}"
    )))  # fmt: skip
    assert (item.onset, item.expires) == (utc("2026-03-12T15:00"), utc("2026-03-13T16:00"))
    open_end = only(read("gtfs_rt", feed(f"active_period {{ start: 1773327600 }} {words}")))
    assert open_end.expires is None


def test_odd_alerts_are_named() -> None:
    parsed = read("gtfs_rt", "broken_entries.pb")
    assert [e.where for e in parsed.errors] == ["4", "entrée 5"]
    assert [i.external_id for i in parsed.items] == ["1", "2", "3", "4"]


def test_letters_that_are_no_utf_8_and_markup_do_no_harm() -> None:
    raw = feed('header_text { translation { text: "Ligne <b>7</b> <script>x()</script>ZZZZ" } }')
    item = only(read("gtfs_rt", raw.replace(b"ZZZZ", b"\xff\xfe\x07!")))
    assert item.texts["fr"].headline == "Ligne 7 \ufffd\ufffd!"


def test_a_feed_without_a_header_is_none() -> None:
    message = text_format.Parse('entity { id: "1" }', rt.FeedMessage.FromString(b"\n\x05\n\x032.0"))
    message.ClearField("header")
    with pytest.raises(SourceUnreadable):
        read("gtfs_rt", message.SerializePartialToString())


@pytest.mark.parametrize("name", ["alerts.pb", "alerts.asciipb", "alerts.json"])
def test_half_a_feed_is_refused(name: str) -> None:
    raw = raw_of("gtfs_rt", name)
    with pytest.raises(SourceUnreadable):
        read("gtfs_rt", raw[: len(raw) // 2])
