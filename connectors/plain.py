"""Strangers' HTML to plain text, by way of nh3: nothing of it is ever shown as markup."""

import html
import re
from typing import Final

import nh3

_BREAKS: Final = re.compile(r"</?(?:p|div|ul|ol|tr|table|h[1-6]|blockquote|pre)>|<br>|<hr>")
_LINK: Final = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
_WRAP: Final = re.compile(r"(?<!\n)[ \t]*\r?\n[ \t]*(?![\s*•-])")
_TAGS: Final = {
    "a", "p", "div", "ul", "ol", "li", "tr", "table", "blockquote", "pre",
    "h1", "h2", "h3", "h4", "h5", "h6", "br", "hr",
}  # fmt: skip
_MARKUP: Final = re.compile(r"<[a-zA-Z/!][^>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")


def to_text(value: str, *, links: bool = True, wrapped: bool = False) -> str:
    """Plain text with line breaks, from HTML or from what is plain already.

    `links`: the target of a link follows its words in brackets. `wrapped`: in plain text a single
    line break is where the writer's line was full, not where a line ends.
    """
    if not _MARKUP.search(value):
        return _tidy(_WRAP.sub(" ", value) if wrapped else value)
    clean = nh3.clean(
        value,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel=None,
    )
    clean = re.sub(r"\s+", " ", clean)
    if links:
        clean = _LINK.sub(_named, clean)
    clean = _BREAKS.sub("\n", clean.replace("<li>", "\n- ").replace("</li>", "\n"))
    return _tidy(html.unescape(re.sub(r"<[^>]*>", "", clean)))


def one_line(value: str) -> str:
    """A headline: plain, on one line."""
    return " ".join(to_text(value, links=False).split())


def _named(found: re.Match[str]) -> str:
    target, words = found[1], re.sub(r"<[^>]*>", "", found[2]).strip()
    return target if not words or words == target else f"{words} ({target})"


def _tidy(value: str) -> str:
    lines = [" ".join(line.split()) for line in value.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
