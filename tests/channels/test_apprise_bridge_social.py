"""The kind `social`: one fitted post through the bridge, worded by its intent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from channels.apprise_bridge import Social
from hub.contracts import Means, PermanentFailure, Refusal, Rendering, Target, Text, Verdict
from hub.guard import AddressPolicy
from hub.vocabulary import EndedAs, Intent
from tests.fakes.notices import water_cut


def means(*pairs: str) -> Means:
    return Means("https://hub.example", AddressPolicy(frozenset(pairs)), timeout=5.0)


class _Sink:
    """A webhook: keeps each JSON body."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sink.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def sink() -> Iterator[_Sink]:
    made = _Sink()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def social(url: str, *pairs: str, limit: int = 500) -> Social:
    return Social(Social.Options(url=SecretStr(url), limit=limit), means(*pairs))


def test_a_social_outlet_posts_the_fitted_text_once(sink: _Sink) -> None:
    outlet = social(f"json://{sink.address}/hook", sink.address)
    message = outlet.render([water_cut()], Intent.PUBLISH, "fr")
    (outcome,) = outlet.send(message, [Target("key-1")])
    assert outcome.verdict is Verdict.ACCEPTED
    assert [body["message"] for body in sink.got] == [message.body]
    assert message.body.startswith("Coupure d’eau dans le centre de Lancey, rue du Vercors\n")
    assert message.key == "01JWATER0000000000000000AA.1.publish"


def test_the_wording_follows_the_intent_it_is_rendered_with() -> None:
    outlet = social("json://example.org/hook")
    ended = water_cut(ended_as=EndedAs.RETRACTED)
    body = outlet.render([ended], Intent.WITHDRAW, "fr").body
    assert str(body).startswith("Annulé, information erronée")
    assert outlet.render([ended], Intent.PUBLISH, "fr").body == (
        outlet.render([water_cut()], Intent.PUBLISH, "fr").body
    )


def test_a_preview_counts_and_a_refused_text_is_not_rendered() -> None:
    options = Social.Options(url=SecretStr("json://example.org/hook"), limit=280)
    seen = Social.preview([water_cut()], options, "fr")
    assert isinstance(seen, Rendering)
    assert seen.facts["characters"] == len(seen.text) <= 280
    assert seen.warnings == ("La description est raccourcie.",)
    long = water_cut(texts={"fr": Text("Eau", "", "Faites bouillir. " * 30)})
    assert isinstance(Social.preview([long], options, "fr"), Refusal)
    with pytest.raises(PermanentFailure, match="caractères de trop"):
        Social(options, means()).render([long], Intent.PUBLISH, "fr")


def test_options_refuse_an_unknown_network_and_never_show_the_secret() -> None:
    with pytest.raises(ValidationError) as failed:
        Social.Options(url=SecretStr("nosuch://hidden-secret@host"))
    assert "hidden-secret" not in str(failed.value)
    shown = repr(Social.Options(url=SecretStr("json://user:hidden-secret@example.org")))
    assert "hidden-secret" not in shown
