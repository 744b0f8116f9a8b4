"""A plan read out: who, who not, why; in three languages."""

import pytest

from hub.rules.engine import evaluate
from hub.rules.explanation import sentences
from hub.rules.plan import Plan, Told
from tests.hub.rules.rulefacts import AREA, NOW, facts, outlet, rules

RULES = rules("""
rules:
  - name: panneaux
    title: {fr: Panneaux proches, en: Panels nearby, es: Paneles cercanos}
    send: [{to: {kind: panel, within_m: 1000}}]
  - name: abonnes
    title: {fr: Les abonnés, en: Followers, es: Suscritos}
    hold: {fr: À relire, en: To be read, es: Para revisar}
    send: [{to: {kind: push}}]
""")


def read(locale: str = "fr") -> list[str]:
    given = facts(
        outlet(1, longitude=5.89, latitude=45.24),
        outlet(2, longitude=5.89, latitude=45.24),
        outlet(3, longitude=5.89, latitude=45.29),
        outlet(4, "push"),
        outlet(5, "sms"),
        outlet(6, "website"),
        area=AREA,
        quiet=("09:00", "11:00"),
        told=(Told(outlet_id=5, revision=1, lane="normal"),),
    )
    lines = sentences(evaluate(RULES, given, locale=locale), locale)
    return [line.replace("\u00a0", " ") for line in lines]


def test_french_says_who_gets_it_who_does_not_and_why() -> None:
    assert read() == [
        "Attend une validation : À relire",
        "Panneau panel-1, panel-2 – diffusion, normal : "
        "Panneaux proches (à 0 m de la zone, limite 1 km).",
        "Notifications push-4 – diffusion, normal, abonnés de mairie selon leurs souhaits, "
        "à partir du 2 mars, 11:00 : Les abonnés. Heures calmes : pas avant 11 h 00.",
        "SMS sms-5 – retrait, normal, à partir du 2 mars, 11:00 : La révision 1 a été diffusée "
        "ici, la nouvelle n'y va plus : elle en est retirée. Aucune règle ne le demande pour "
        "cette annonce. Heures calmes : pas avant 11 h 00.",
        "Panneau panel-3 – rien : Trop loin : 4,45 km > 1 km (« Panneaux proches »).",
        "Site website-6 – rien : Aucune règle ne le demande pour cette annonce.",
    ]


@pytest.mark.parametrize(
    ("locale", "first", "last"),
    [
        (
            "en",
            "Waits for approval: To be read",
            "Website website-6 – nothing: No rule asks for it for this notice.",
        ),
        (
            "es",
            "Espera aprobación: Para revisar",
            "Sitio web website-6 – nada: Ninguna regla lo pide para este anuncio.",
        ),
    ],
)
def test_english_and_spanish_are_whole(locale: str, first: str, last: str) -> None:
    lines = read(locale)
    assert (lines[0], lines[-1]) == (first, last)
    assert not any(word in " ".join(lines) for word in ("diffusion", "rien", "calmes"))


def test_many_outlets_with_one_story_share_a_line() -> None:
    one = rules("rules:\n  - {name: p, title: Tous, send: [{to: {kind: panel}}]}")
    for count, end in ((6, "panel-5, panel-6"), (40, "panel-5 et 35 autres")):
        lines = sentences(evaluate(one, facts(*(outlet(n) for n in range(1, count + 1)))))
        assert lines == [
            f"Panneau panel-1, panel-2, panel-3, panel-4, {end} – diffusion, normal\u00a0: Tous."
        ]


def test_a_suppressed_route_says_that_nothing_is_sent() -> None:
    given = facts(
        outlet(1, "push"), quiet=("09:00", "11:00"), expires=NOW.replace(hour=9, minute=30)
    )
    line = sentences(evaluate(RULES, given))[1]
    assert line.startswith(
        "Notifications push-1 – pas d'envoi\u00a0: Les heures calmes finissent à"
    )


def test_a_plan_for_nobody_says_so() -> None:
    assert sentences(Plan(lane="normal")) == ["Personne ne reçoit cette annonce."]
