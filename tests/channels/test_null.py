from channels.null import Null
from hub.contracts import StrictOptions, Target, Verdict
from hub.vocabulary import Intent
from tests.channels.website.town import MEANS, notice

null = Null(StrictOptions(), MEANS)


def test_it_takes_every_target_and_names_it():
    message = null.render([notice()], Intent.PUBLISH, "fr")
    outcomes = null.send(message, [Target(key="a"), Target(key="b")])
    assert [(o.verdict, o.ref) for o in outcomes] == [
        (Verdict.ACCEPTED, "a"),
        (Verdict.ACCEPTED, "b"),
    ]


def test_it_previews_the_headline_in_the_language_asked_for():
    said = Null.preview([notice()], StrictOptions(), "en")
    assert said.text == "Rue de la République closed"


def test_it_honours_every_intent():
    assert Null.capabilities.intents == frozenset(Intent)
    assert null.check().ok
