"""In which language a page is shown: who clicked one means it, signed in or not."""

from fastapi import Request

from dashboards.base.pages import LANGUAGE_COOKIE, language_of


def asked(query: str = "", cookie: str = "", accepts: str = "es") -> Request:
    headers = [(b"accept-language", accepts.encode())]
    if cookie:
        headers.append((b"cookie", f"{LANGUAGE_COOKIE}={cookie}".encode()))
    return Request({"type": "http", "headers": headers, "query_string": query.encode()})


def test_what_was_clicked_counts_before_what_is_kept_of_the_member() -> None:
    assert language_of(asked(), "fr") == "fr"
    assert language_of(asked(cookie="en"), "fr") == "en"
    assert language_of(asked("lang=fr", cookie="en"), "es") == "fr"
    assert language_of(asked()) == "es"
