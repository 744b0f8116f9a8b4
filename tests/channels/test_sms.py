"""What a phone receives by SMS, what it costs, and what becomes of each number."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from channels.gsm7 import encode_plan
from channels.sms import Sms
from hub import clock
from hub.contracts import Means, PermanentFailure, Refusal, Rendering, Target, Text, Verdict
from hub.guard import AddressPolicy
from hub.vocabulary import EndedAs, Intent
from tests.fakes.notices import water_cut
from tests.fakes.operator import TOKEN, Operator

ANYWHERE = f"smseagle://{TOKEN}@sms.example.org/"


@pytest.fixture
def operator() -> Iterator[Operator]:
    with Operator() as running:
        yield running


def options(url: str = ANYWHERE, **more: Any) -> Sms.Options:
    return Sms.Options(url=SecretStr(url), **more)


def outlet(operator: Operator, timeout: float = 5.0) -> Sms:
    policy = AddressPolicy(frozenset({operator.address}))
    means = Means("https://hub.example", policy, timeout=timeout)
    return Sms(options(operator.url), means)


def preview(notice: Any = None, **more: Any) -> Rendering:
    seen = Sms.preview([notice or water_cut()], options(**more), "fr")
    assert isinstance(seen, Rendering)
    return seen


def test_the_text_is_in_the_alphabet_with_the_essentials_and_no_description() -> None:
    seen = preview()
    assert seen.text == (
        "Coupure d'eau dans le centre de Lancey, rue du Vercors. Mardi 3 mars 7 h - 11 h. "
        "Faites une réserve d'eau la veille. Mairie de Villard-Bonnot. "
        "https://mairie.example/p/01JWATER"
    )
    assert seen.facts["encoding"] == "gsm7"
    assert seen.facts["left_out"] == ["description"]


def test_segments_and_price_are_counted_before_anything_is_sent() -> None:
    seen = preview(price_per_segment=Decimal("0.049"))
    assert seen.facts["septets"] == len(seen.text) == 176
    assert (seen.facts["segments"], seen.facts["price_per_recipient"]) == (2, "0.098")
    assert "2 segments : chaque destinataire compte autant de SMS." in seen.warnings


def test_a_euro_sign_counts_two_and_may_cost_a_segment() -> None:
    def text(sign: str) -> Text:
        return Text("Cantine : le repas passe à 4 " + sign, "", "Réglez en ligne. " + "a" * 59)

    plain, euro = (
        preview(water_cut(texts={"fr": text(s)}, area_desc=""), link=False) for s in ("E", "€")
    )
    assert plain.facts["septets"] == 160
    assert euro.facts["septets"] == 161
    assert (plain.facts["segments"], euro.facts["segments"]) == (1, 2)


def test_folded_letters_are_shown_with_what_they_become() -> None:
    seen = preview(water_cut(texts={"fr": Text("Forêt fermée ⚠", "", "Reçus à présenter")}))
    assert ["ê", "e"] in seen.facts["folded"]
    assert ["⚠", ""] in seen.facts["folded"]
    assert "Lettres absentes de l'alphabet SMS : ê → e, ç → c." in seen.warnings
    assert "Signes retirés, sans équivalent en SMS : ⚠" in seen.warnings


def test_letters_without_a_fold_are_named_as_what_makes_it_dear() -> None:
    seen = preview(water_cut(texts={"fr": Text("Відключення води")}))
    assert seen.facts["encoding"] == "ucs2"
    assert any("70 signes" in w for w in seen.warnings)


def test_the_short_wording_is_preferred_where_there_is_one() -> None:
    text = Text(
        "Coupure d’eau dans le centre de Lancey", "", "Faites une réserve.", "Coupure d'eau"
    )
    assert preview(water_cut(texts={"fr": text})).text.startswith("Coupure d'eau, rue du Vercors. ")


def test_the_sender_of_the_options_signs_and_the_link_may_be_left_out() -> None:
    seen = preview(sender="Ville de Lancey", link=False)
    assert seen.text.endswith(" Ville de Lancey.")


@pytest.mark.parametrize("most", [1, 2, 3])
def test_never_more_segments_than_the_outlet_pays_for(most: int) -> None:
    long = Text("Coupure d’eau dans le centre de Lancey", "", "Faites une réserve d’eau. " * 4)
    seen = Sms.preview([water_cut(texts={"fr": long})], options(max_segments=most), "fr")
    if isinstance(seen, Refusal):
        assert most == 1
        assert seen.field == "instruction"
        assert "caractères de trop" in seen.reason
    else:
        assert seen.facts["segments"] == encode_plan(seen.text).segments <= most


def test_what_does_not_fit_is_not_rendered() -> None:
    long = water_cut(texts={"fr": Text("Eau", "", "Faites bouillir l’eau. " * 40)})
    with pytest.raises(PermanentFailure, match="de trop"):
        Sms(options(), Means("", AddressPolicy())).render([long], Intent.PUBLISH, "fr")


@pytest.mark.parametrize(
    ("intent", "ended", "opening"),
    [
        (Intent.PUBLISH, None, "Coupure d'eau"),
        (Intent.UPDATE, None, "Mise à jour : Coupure d'eau"),
        (Intent.WITHDRAW, EndedAs.RETRACTED, "Annulé, information erronée : Coupure d'eau"),
        (Intent.WITHDRAW, EndedAs.OVER, "Fin : Coupure d'eau"),
    ],
)
def test_a_correction_is_a_message_of_its_own_worded_as_one(
    operator: Operator, intent: Intent, ended: EndedAs | None, opening: str
) -> None:
    sms = outlet(operator)
    message = sms.render([water_cut(ended_as=ended)], intent, "fr")
    sms.send(message, [Target("k", "+33612345678", intent)])
    assert operator.log[0][1].startswith(opening)
    assert message.intent is intent


def test_each_number_gets_one_message_and_its_own_outcome(operator: Operator) -> None:
    numbers = [f"+3361234567{n}" for n in range(4)]
    sms = outlet(operator)
    message = sms.render([water_cut()], Intent.PUBLISH, "fr")
    targets = [Target(f"k{n}", number) for n, number in enumerate([*numbers, "0612"])]
    outcomes = sms.send(message, targets)
    assert [o.verdict for o in outcomes] == [Verdict.ACCEPTED] * 4 + [Verdict.REJECTED]
    assert operator.counts() == dict.fromkeys(numbers, 1)
    assert len({o.ref for o in outcomes[:4]}) == 4
    assert {len(str(c["params"]["to"]).split(",")) for c in operator.calls} == {1}


def test_a_number_whose_answer_never_came_is_uncertain(operator: Operator) -> None:
    operator.free.clear()
    sms = outlet(operator, timeout=0.3)
    message = sms.render([water_cut()], Intent.PUBLISH, "fr")
    (outcome,) = sms.send(message, [Target("k", "+33612345678")])
    assert outcome.verdict is Verdict.UNCERTAIN
    assert operator.counts() == {"+33612345678": 1}


def test_the_kind_promises_what_an_sms_can_hold() -> None:
    assert Sms.capabilities.intents == {Intent.PUBLISH}
    assert not Sms.capabilities.idempotent
    assert Sms.capabilities.addresses == "contacts"
    assert Sms.capabilities.max_batch == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": SecretStr("json://example.org/hidden-key")}, "url"),
        ({"url": SecretStr("nosuch://hidden-key")}, "url"),
        ({"max_segments": 0}, "max_segments"),
        ({"price_per_segment": Decimal("-1")}, "price_per_segment"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_options_name_their_field_and_quote_no_secret(
    wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as failed:
        Sms.Options(**({"url": SecretStr(ANYWHERE)} | wrong))
    assert [e["loc"] for e in failed.value.errors()] == [(field,)]
    assert "hidden-key" not in str(failed.value)


def test_options_survive_the_way_through_json() -> None:
    given = {"url": ANYWHERE, "price_per_segment": "0.049"}
    assert options(price_per_segment=Decimal("0.049")) == Sms.Options.model_validate(given)


def test_check_tells_whether_the_operator_answers(operator: Operator) -> None:
    assert outlet(operator).check().ok
    assert operator.calls == []


def test_the_operator_may_be_a_process_of_its_own_that_outlives_the_sender(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    log, address = tmp_path / "operator.log", f"127.0.0.1:{port}"
    hold = Path(f"{log}.hold")
    hold.touch()
    running = subprocess.Popen([sys.executable, "-m", "tests.fakes.operator", str(port), str(log)])
    try:
        means = Means("", AddressPolicy(frozenset({address})), timeout=0.5)
        sms = Sms(options(f"smseagle://{TOKEN}@{address}/"), means)
        message = sms.render([water_cut()], Intent.PUBLISH, "fr")
        until, verdict = clock.monotonic() + 30, Verdict.LATER
        while verdict is Verdict.LATER and clock.monotonic() < until:  # it is still starting
            (outcome,) = sms.send(message, [Target("k", "+33612345678")])
            verdict = outcome.verdict
        assert verdict is Verdict.UNCERTAIN
        hold.unlink()
        (outcome,) = sms.send(message, [Target("k", "+33612345679")])
        assert outcome.verdict is Verdict.ACCEPTED
        numbers = [json.loads(line)[0] for line in log.read_text("utf-8").splitlines()]
        assert numbers == ["+33612345678", "+33612345679"]
    finally:
        running.kill()
        running.wait()
