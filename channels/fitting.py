"""Fitting a notice into a limited text: what is said first, what is left out, what never is.

Order of a text: mark (exercise), what, where, when, instruction, description, who says, link. What
is too long loses its description first (shortened, then left out), then the link, then who says,
then the headline gives way to its short wording and is shortened itself. The instruction, the
place and the time are never touched: what cannot hold them is refused, with the field and the
number of characters too many. Cuts fall between words and show "…".
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from channels.wording import lead, mark, spoken, when_words
from hub.contracts import Notice, Refusal
from hub.vocabulary import Intent

Over: TypeAlias = Callable[[str], int]
"""How many characters a text is too long; zero or less when it fits."""

# Under this a shortened description says nothing and a shortened headline means nothing.
_LEAST_DESCRIPTION: Final = 30
_LEAST_WHAT: Final = 16

_BLANKS: Final = re.compile(r"[ \t\r\n]+")  # not \s: a no-break space stays


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text that fits. `left_out` and `shortened` name fields of the notice."""

    text: str
    left_out: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of it before publishing."""
        said = []
        if "headline" in self.shortened:
            said.append("Le titre est raccourci.")
        if "description" in self.shortened:
            said.append("La description est raccourcie.")
        if "station_name" in self.left_out:
            said.append("Le nom de la station ne tient pas dans le message.")
        return tuple(said)


@dataclass(frozen=True, slots=True)
class _Parts:
    mark: str
    lead: str
    what: str
    where: str
    when: str
    instruction: str
    description: str
    who: str
    link: str


def within(limit: int, measure: Callable[[str], int] = len) -> Over:
    """The plain rule: at most `limit` by `measure`."""
    return lambda text: measure(text) - limit


def fit(
    notice: Notice,
    locale: str,
    over: Over,
    *,
    who: str = "",
    link: bool = True,
    brief: bool = False,
    lines: bool = False,
) -> Fitted | Refusal:
    """The fullest text of `notice` in `locale` for which `over` is not positive.

    `brief`: a narrow face, so the short wording is preferred and the description left out from the
    start. `lines`: paragraphs instead of one line. `who`: signs instead of the station's name.
    """
    full = _parts(notice, locale, who or notice.station_name or notice.authority_name, link)
    text = notice.text_in(locale)
    if brief:
        full = replace(full, description="", what=_one_line(text.short or text.headline))
    left: tuple[str, ...] = ("description",) if brief and text.description else ()
    for parts, left_out, shortened in _ever_less(full, _one_line(text.short), left, over, lines):
        said = _join(parts, lines)
        if over(said) <= 0:
            return Fitted(said, left_out, shortened)
    return _refusal(full, _one_line(text.short), over, lines)


def fit_many(
    notices: Sequence[Notice],
    locale: str,
    over: Over,
    *,
    who: str = "",
    link: bool = True,
    brief: bool = False,
    lines: bool = False,
) -> Fitted | Refusal:
    """A digest: one line each (mark, what, where, when), signed once. A single notice is `fit`.

    Every notice is named or the digest is refused: a list that hides its end is not a summary.
    """
    if len(notices) == 1:
        return fit(notices[0], locale, over, who=who, link=link, brief=brief, lines=lines)
    rows = []
    for notice in notices:
        parts = _parts(notice, locale, "", False)
        text = notice.text_in(locale)
        what = _one_line(text.short or text.headline)
        rows.append("- " + _join(replace(parts, what=what, description="", instruction=""), False))
    said = "\n".join(rows)
    for candidate in (f"{said}\n{who or notices[0].station_name}", said):
        if over(candidate) <= 0:
            return Fitted(candidate, ("description", "instruction"))
    kept = len(rows)
    while kept and over("\n".join(rows[:kept])) > 0:
        kept -= 1
    return Refusal(
        "notices",
        f"Les {len(rows)} avis ne tiennent pas ensemble : {over(said)} caractères de trop.",
        f"Au plus {kept} avis par message.",
    )


def _parts(notice: Notice, locale: str, who: str, link: bool) -> _Parts:
    text = notice.text_in(locale)
    ended = notice.intent is Intent.WITHDRAW
    locale = spoken(notice, locale)
    return _Parts(
        mark=mark(notice, locale),
        lead=lead(notice, locale),
        what=_one_line(text.headline),
        where=_one_line(notice.area_desc),
        # What is over has no time left, and its instruction must not be followed any more.
        when="" if ended else when_words(notice, locale),
        instruction="" if ended else _one_line(text.instruction),
        description="" if ended else text.description.strip(),
        who=who,
        link=notice.url if link else "",
    )


def _ever_less(
    full: _Parts, short: str, left: tuple[str, ...], over: Over, lines: bool
) -> Iterator[tuple[_Parts, tuple[str, ...], tuple[str, ...]]]:
    """Candidates from the fullest to the barest, each with what it left out and shortened."""
    yield full, left, ()
    parts = full
    if parts.description:
        bare = replace(parts, description="")
        spare = -over(_join(bare, lines)) - 1
        cut = _cut(parts.description, spare)
        while len(cut) >= _LEAST_DESCRIPTION:  # `over` may count more than one a character
            yield replace(parts, description=cut), left, ("description",)
            cut = _cut(cut, len(cut) - 1)
        parts, left = bare, (*left, "description")
        yield parts, left, ()
    for field, name in (("link", "url"), ("who", "station_name")):
        if getattr(parts, field):
            parts, left = replace(parts, **{field: ""}), (*left, name)
            yield parts, left, ()
    if short and len(short) < len(parts.what):
        parts = replace(parts, what=short)
        yield parts, left, ("headline",)
    what = _cut(parts.what, len(parts.what) - 1)
    while len(what) >= _LEAST_WHAT:
        yield replace(parts, what=what), left, ("headline",)
        what = _cut(what, len(what) - 1)


def _refusal(full: _Parts, short: str, over: Over, lines: bool) -> Refusal:
    """Names the field that costs most among the essential ones, and by how many it is too much."""
    what = short if short and len(short) < len(full.what) else full.what
    bare = replace(full, what=what, description="", who="", link="")
    many = over(_join(bare, lines))
    fields = {
        "instruction": bare.instruction,
        "headline": bare.what,
        "area_desc": bare.where,
    }
    field = max(fields, key=lambda name: len(fields[name]))
    if field == "headline" and not short:
        hint = f"Donnez un titre court (champ « short ») ou raccourcissez de {many} caractères."
    else:
        hint = f"Raccourcissez de {many} caractères."
    return Refusal(
        field,
        "L'essentiel (quoi, où, quand, que faire) ne tient pas dans ce message : "
        f"{many} caractères de trop.",
        hint,
    )


def _join(parts: _Parts, lines: bool) -> str:
    what = " ".join(p for p in (parts.mark, parts.lead + parts.what) if p)
    where = "" if parts.where and parts.where.casefold() in what.casefold() else parts.where
    facts = f"{what.removesuffix('.')}, {where}" if where else what
    if lines:
        blocks = (
            "\n".join(p for p in (facts, parts.when) if p),
            parts.instruction,
            parts.description,
            "\n".join(p for p in (parts.who, parts.link) if p),
        )
        return "\n\n".join(b for b in blocks if b)
    sentences = (facts, parts.when, parts.instruction, _one_line(parts.description))
    said = " ".join(_stop(s) for s in (*sentences, parts.who) if s)
    return f"{said} {parts.link}" if parts.link else said


def _one_line(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _stop(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "…", ":")) else sentence + "."


def _cut(text: str, room: int) -> str:
    """At most `room` characters of `text`, ending between words with "…"; "" when none fits."""
    if len(text) <= room:
        return text
    head = text[: max(room, 0)]
    # A no-break space holds "7 h" together: only plain white space is a place to cut.
    space = max(head.rfind(" "), head.rfind("\n"))
    kept = head[:space].rstrip(" \n,;:.-–—(«\u00a0…") if space > 0 else ""
    return f"{kept}…" if kept else ""
