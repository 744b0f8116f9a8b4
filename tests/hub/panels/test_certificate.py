"""The certificate of diffusion: what was really shown, signed; changed by a letter, it is none."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hub import accounts, certificate, db, publishing, sealing, vault
from hub.cli.app import app, prepare
from hub.contracts import ReportStage
from hub.models import Authority, Publication
from hub.vocabulary import EndedAs
from tests.factories import outlet
from tests.hub.panels.conftest import Hand, Spoken, publish, tell
from tests.hub.panels.test_proofs import batch
from tests.working import work_all

run = CliRunner()


@pytest.fixture
def told(here: Authority, hand: Hand, panel: Spoken) -> Publication:
    """Told to a panel, a website and a witness."""
    outlet(here, "website")
    outlet(here, "null", "temoin")
    made = publish(here)
    tell([panel.panel.id])
    return made


def made(here: Authority, told: Publication) -> dict[str, Any]:
    with db.reading(here.id) as session:
        return certificate.sealed(session, here, told.id)


def of_panel(signed: dict[str, Any]) -> dict[str, Any]:
    return next(d for d in signed["certificate"]["displays"] if d["kind"] == "panel")


def test_it_says_what_the_face_proved_and_what_it_did_not(
    here: Authority, hand: Hand, panel: Spoken, told: Publication
) -> None:
    for number in (1, 2, 4):
        panel.say(ReportStage.PROOF, **batch(panel, told, number, hand))
    panel.say(ReportStage.PROOF, **batch(panel, told, 5, hand, dark=30))
    one = of_panel(made(here, told))
    assert (one["evidence"], one["plays"], one["seconds"]) == ("measured", 120, 4 * 180 - 30)
    assert one["dark_seconds"] == 30
    assert [day["revision"] for day in one["days"]] == [1] * len(one["days"])
    assert one["days"][0]["lines"][0].strip().startswith("RUE DES")
    assert all(day["told"] for day in one["days"])


def test_a_gap_within_its_time_is_named(
    here: Authority, hand: Hand, panel: Spoken, told: Publication
) -> None:
    from datetime import timedelta

    start = hand.now
    for number, minutes in ((1, 0), (2, 15), (5, 60)):
        body = batch(panel, told, number, hand)
        begin, end = (start + timedelta(minutes=m) for m in (minutes, minutes + 15))
        body["from"], body["to"] = (m.isoformat().replace("+00:00", "Z") for m in (begin, end))
        body["entries"][0] |= {"from": body["from"], "to": body["to"]}
        hand.now = end
        panel.say(ReportStage.PROOF, **body)
    hand.now = start + timedelta(hours=3)
    one = of_panel(made(here, told))
    assert one["gaps"] == [
        {"from": "2026-03-02T09:00:00Z", "to": "2026-03-02T09:30:00Z", "batches": 2}
    ]
    assert one["unproved_from"] == "2026-03-02T09:45:00Z"


def test_a_panel_that_proves_nothing_counts_by_its_own_reports_and_is_said_so(
    here: Authority, hand: Hand, panel: Spoken, told: Publication
) -> None:
    panel.shows()
    hand.on(hours=1)
    panel.shows(items=[], hash=None, page=None)
    one = of_panel(made(here, told))
    assert one["evidence"] == "reported"
    assert one["reported"] == [
        {"revision": 1, "from": "2026-03-02T08:30:00Z", "to": "2026-03-02T09:30:00Z"}
    ]
    panel.say(ReportStage.BIRTH, plan_rev=0, proof="inferred")
    panel.say(ReportStage.PROOF, **batch(panel, told, 1, hand))
    assert of_panel(made(here, told))["evidence"] == "inferred"


def test_every_other_outlet_is_in_it_as_far_as_evidence_goes(
    here: Authority, hand: Hand, panel: Spoken, told: Publication
) -> None:
    work_all()
    document = made(here, told)["certificate"]
    site = next(d for d in document["displays"] if d["kind"] == "website")
    assert site["evidence"] == "stored"
    assert site["first_shown"] == "2026-03-02T08:30:00Z"
    (witness,) = document["messengers"]
    assert (witness["outlet"], witness["state"], witness["accepted"]) == ("temoin", "done", 1)
    with db.writing(here.id) as session:
        kept = session.get_one(Publication, told.id)
        publishing.cancel(session, kept, EndedAs.OVER, "test")
    assert site["shown_until"] is None
    work_all()
    hand.on(hours=9)
    document = made(here, told)["certificate"]
    site = next(d for d in document["displays"] if d["kind"] == "website")
    assert site["shown_until"] == "2026-03-02T08:30:00Z"
    assert document["publication"]["ended_as"] == "over"
    assert document["publication"]["to"] == "2026-03-02T08:30:00Z"
    assert [r["no"] for r in document["publication"]["revisions"]] == [1, 2]


def test_the_file_is_checked_offline_and_every_change_is_found(
    here: Authority, hand: Hand, told: Publication, tmp_path: Path
) -> None:
    prepare()
    file = tmp_path / "certificate.json"
    done = run.invoke(app, ["certificate", "make", told.id, "--out", str(file)])
    assert done.exit_code == 0, done.output
    said = run.invoke(app, ["certificate", "verify", str(file)])
    assert said.exit_code == 0, said.output
    assert here.key_id in said.output
    signed = json.loads(file.read_text("utf-8"))
    key = signed["signature"]["x"]
    answer = run.invoke(app, ["certificate", "verify", str(file), "--key", key, "--json"])
    assert json.loads(answer.output)["key_checked"] is True
    other = vault.base64url(bytes(32))
    assert run.invoke(app, ["certificate", "verify", str(file), "--key", other]).exit_code == 1
    text = file.read_text("utf-8")
    for old, new in (
        ("Rue des Brûlis", "Rue des Bruns"),
        ('"no": 1', '"no": 2'),
        (key, vault.base64url(bytes(range(32)))),
    ):
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        broken = run.invoke(app, ["certificate", "verify", str(file)])
        assert broken.exit_code == 1, (old, broken.output)
    for rubbish in ("", "[]", "{}", "null", '{"certificate": {}, "signature": {"x": 1}}'):
        file.write_text(rubbish, encoding="utf-8")
        assert run.invoke(app, ["certificate", "verify", str(file)]).exit_code == 1
    assert run.invoke(app, ["certificate", "verify", str(tmp_path / "none")]).exit_code == 1


def test_the_seal_is_of_the_authority_s_key(here: Authority, hand: Hand, told: Publication) -> None:
    seal = sealing.check(made(here, told))
    assert seal.key == vault.base64url(accounts.public_key(here))


def test_what_was_never_live_has_no_certificate(here: Authority, hand: Hand) -> None:
    with db.reading(here.id) as session, pytest.raises(LookupError):
        certificate.sealed(session, here, "01JNOTHING")
