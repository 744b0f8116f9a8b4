"""panel timeline: when notices that share a panel are seen, and how often. Needs no hub."""

import json
import re
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from hub import clock
from hub.cli.app import AsJson, fail, say
from hub.cli.panel_compile import moment_of, notice_of
from hub.cli.panels import group
from hub.cli.talking import read_file
from hub.contracts import Notice, OutletView

_USAGE = 2
_HOUR = r"((?:[01]\d|2[0-3]):[0-5]\d)"
_NIGHT = f"{_HOUR}-{_HOUR}"


@group.command("timeline")
def timeline_(
    files: Annotated[
        list[Path], typer.Argument(help="Publications as the API takes them, JSON.", metavar="FILE")
    ],
    model: Annotated[str, typer.Option(help="A model of config/panels/.")] = "text-8x16",
    days: Annotated[int, typer.Option(min=1, max=366, help="How far to look ahead.")] = 7,
    night: Annotated[
        str, typer.Option(help="Local hours at which the face is dark, e.g. 01:00-05:00.")
    ] = "",
    languages: Annotated[str, typer.Option(help="In this order, e.g. fr,en.")] = "fr",
    timezone: Annotated[str, typer.Option(help="The zone of days and hours.")] = "Europe/Paris",
    locale: Annotated[str, typer.Option(help="Language of refusals: fr, en, es.")] = "fr",
    at: Annotated[str, typer.Option(help="As if now were this moment (RFC 3339).")] = "",
    as_json: AsJson = False,
) -> None:
    """When each of these publications is seen on a panel that they share, and how often.

    Exits 1 when one of them does not fit (the others are still answered), 2 when the question
    cannot be understood.
    """
    models, plans = (import_module(f"channels.panels.{name}") for name in ("model", "plan"))
    try:
        face = models.load(model)
    except models.UnknownModel as error:
        fail("No such model.", [{"field": "--model", "reason": str(error)}], as_json, _USAGE)
    hours = re.fullmatch(_NIGHT, night)
    if night and not hours:
        fail("Not understood.", [{"field": "--night", "reason": "HH:MM-HH:MM"}], as_json, _USAGE)
    dark = plans.Night(*hours.groups()) if hours else None
    now = moment_of(at, timezone, as_json)
    notices = [
        notice_of(read_file(file, as_json), "", timezone, now, as_json, publication=f"{n:026d}")
        for n, file in enumerate(files)
    ]
    spoken = tuple(part.strip() for part in languages.split(",") if part.strip())
    view = OutletView(
        id=0, code="panel", name="panel", authority="authority", authority_name="",
        timezone=timezone, languages=(locale,), say_no=1,
    )  # fmt: skip
    made = plans.make(view, notices, face, now, languages=spoken, night=dark)
    line = import_module("channels.panels.timeline").timeline(
        json.loads(made.payload), now, now + timedelta(days=days)
    )
    titles = {n.publication: _title(n) for n in notices}
    seen = [_seen(each, titles[each.pub]) for each in line.items]
    refused = [
        {"title": titles[publication], "field": why.field, "reason": why.reason,
         "what_would_fit": why.what_would_fit}
        for publication, why in made.refused.items()
    ]  # fmt: skip
    answer = {
        "model": face.name,
        "from": clock.rfc3339(line.begin),
        "to": clock.rfc3339(line.end),
        "items": seen,
        "refused": refused,
        "stretches": [_stretch(each) for each in line.stretches],
    }
    words = [_HEAD, *(_row(each, timezone) for each in seen)]
    words += [f"{each['title']}: {each['reason']} {each['what_would_fit']}" for each in refused]
    say(answer, as_json, "\n".join(words))
    if refused:
        raise typer.Exit(1)


_HEAD = (
    f"{'notice':<30} {'first seen':<12} {'last seen':<12} "
    f"{'plays':>7} {'in all':>8} {'every':>7} {'longest wait':>13}"
)


def _title(notice: Notice) -> str:
    text = next(iter(notice.texts.values()))
    return text.short or text.headline


def _seen(each: Any, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "item": each.item,
        "first": clock.rfc3339(each.first) if each.first else None,
        "last": clock.rfc3339(each.last) if each.last else None,
        "plays": round(each.plays),
        "seconds": each.seconds,
        "every_s": each.every_s,
        "longest_wait_s": each.longest_wait_s,
    }


def _stretch(each: Any) -> dict[str, Any]:
    return {
        "from": clock.rfc3339(each.begin),
        "to": clock.rfc3339(each.end),
        "dark": each.dark,
        "loop": [
            {"item": turn.item, "share": round(turn.share, 3), "plays_h": round(turn.plays_h, 1),
             "every_s": round(turn.every_s, 1)}
            for turn in each.turns
        ],
        "held": [{"item": item, "why": why} for item, why in each.held],
    }  # fmt: skip


def _row(each: dict[str, Any], timezone: str) -> str:
    if each["first"] is None:
        return f"{each['title'][:30]:<30} not seen in these days"
    first, last = (
        clock.local(datetime.fromisoformat(each[name]), timezone).strftime("%d/%m %H:%M")
        for name in ("first", "last")
    )
    whole, every, wait = (_span(each[name]) for name in ("seconds", "every_s", "longest_wait_s"))
    return (
        f"{each['title'][:30]:<30} {first:<12} {last:<12} {each['plays']:>7} "
        f"{whole:>8} {every:>7} {wait:>13}"
    )


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:02.0f}"
