"""Strangers' HTML to plain text, by way of nh3: nothing of it is ever shown as markup."""

import html
import re
from typing import Final

import nh3

_BREAKS: Final = re.compile(r"</?(?:p|div|ul|ol|tr|table|h[1-6]|blockquote|pre)>|<br>|<hr>")
_LINK: Final = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
_BLANKS: Final = re.compile(r"[ \t]+")  # before the next, which is slow on many of them
_WRAP: Final = re.compile(r"(?<!\n) ?\r?\n ?(?![\s*•-])")
_TAGS: Final = {
    "a", "p", "div", "ul", "ol", "li", "tr", "table", "blockquote", "pre",
    "h1", "h2", "h3", "h4", "h5", "h6", "br", "hr",
}  # fmt: skip
_MARKUP: Final = re.compile(r"<[a-zA-Z/!][^<>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")
_MARKDOWN: Final = re.compile(r"\[([^\]\n]{1,200})\]\((https?://[^)\s]{1,500})\)")
_BOLD: Final = re.compile(r"(\*\*|__)(?=\S)([^*_\n]{1,300}?)(?<=\S)\1")
_HASHES: Final = re.compile(r"^#{1,6} +", re.MULTILINE)
_LONGEST: Final = 100_000  # of it a notice keeps 8,000
_KEPT: Final = {9, 10, 13}
# Control letters and halves of letters say nothing, and some outlets refuse them. 128 to 159 are
# what Windows-1252 text becomes when it is taken for Latin-1; two marks turn text around unseen.
_LETTERS: Final[dict[int, str | None]] = {
    **{n: None for n in (*range(32), 127, *range(0xFFF9, 0xFFFC), 0xFEFF) if n not in _KEPT},
    **{n: bytes([n]).decode("cp1252", "ignore") or None for n in range(0x80, 0xA0)},
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    0x85: "\n", 0x2028: "\n", 0x2029: "\n", 0x202D: None, 0x202E: None,
}  # fmt: skip


def to_text(value: str, *, links: bool = True, wrapped: bool = False) -> str:
    """Plain text with line breaks, from HTML or from what is plain already.

    `links`: the target of a link follows its words in brackets. `wrapped`: in plain text a single
    line break is where the writer's line was full, not where a line ends.
    """
    value = value[:_LONGEST].translate(_LETTERS)
    value = _MARKDOWN.sub(r"\1 (\2)" if links else r"\1", value)
    value = _HASHES.sub("", _BOLD.sub(r"\2", value))
    if not _MARKUP.search(value):
        return _tidy(_WRAP.sub(" ", _BLANKS.sub(" ", value)) if wrapped else value)
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
    return _tidy(html.unescape(re.sub(r"<[^>]*>", "", clean)).translate(_LETTERS))


def is_wrapped(value: str) -> bool:
    """Whether lines end where a typewriter's would: long ones of about the same length."""
    lengths = [len(line.strip()) for line in value.splitlines() if line.strip()]
    full = lengths[:-1]
    return len(full) >= 2 and max(full) <= 110 and sorted(full)[len(full) // 2] >= 60


def one_line(value: str) -> str:
    """A headline: plain, on one line."""
    return " ".join(to_text(value[:5000], links=False).split())


def token(value: object) -> str:
    """An identifier or code: on one line, without control letters, at most 500 letters."""
    said = str("" if value is None else value)[:5000]
    return " ".join(said.translate(_LETTERS).split())[:500]


def web(*values: object) -> str:
    """The first of the addresses that a person may be shown: http or https, else nothing."""
    for value in values:
        if isinstance(value, str) and (found := token(value)).startswith(("http://", "https://")):
            return found
    return ""


def shortened(said: str, longest: int = 120) -> str:
    """At most `longest` letters, ended between words."""
    if len(said) <= longest:
        return said
    return (said[: longest - 1].rpartition(" ")[0] or said[: longest - 1]).rstrip(" ,;:.") + "…"


def _named(found: re.Match[str]) -> str:
    target, words = found[1], re.sub(r"<[^>]*>", "", found[2]).strip()
    return target if not words or words == target else f"{words} ({target})"


def _tidy(value: str) -> str:
    lines = [" ".join(line.split()) for line in value.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
