"""Notices compiled for a panel on one core, each one new.

Ours: `compile_notice` on the municipal notices of the tests, every one under a house number it had
never had, so that nothing but words is remembered; for a matrix with the bitmap and its hash. Peer:
textwrap for a character face, Pillow's text for a matrix: the lines that fit, or do not, and no
more. Limit: hashing the finished pages.
"""

import hashlib
import itertools
import json
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PIL import Image, ImageDraw

from channels.panels import model
from channels.panels.compiler import Compiled, Page, compile_notice
from hub.contracts import Notice
from tests.benchmarks.measure import row, take_turns
from tests.channels.panels.corpus_notices import entries

COUNT = 1_000
NUMBERS = itertools.count(1)


def fresh() -> list[Notice]:
    """COUNT notices that nobody has seen."""
    notices = [entry.notice for entry in entries() if entry.file != "hard"]
    return [
        replace(notice, area_desc=f"{next(NUMBERS)}, {notice.area_desc}")
        for notice in itertools.islice(itertools.cycle(notices), COUNT)
    ]


def on_one_core(work: Callable[[], object]) -> float:
    """Processor seconds for COUNT notices: others on the machine do not count."""
    began = time.process_time()
    work()
    return time.process_time() - began


def pages_of(face: model.Model, notices: list[Notice]) -> list[Page]:
    done = (compile_notice(n, face, (next(iter(n.texts)),), 6000, "fr") for n in notices)
    return [page for each in done if isinstance(each, Compiled) for page in each.pages]


def wrapped(face: model.Model, notices: list[Notice]) -> None:
    for notice in notices:
        text = next(iter(notice.texts.values()))
        for part in (text.headline, notice.area_desc, text.instruction):
            textwrap.wrap(part.upper(), face.columns)


def pillow(face: model.Model, pages: list[Page]) -> None:
    for page in pages:
        assert page.bitmap is not None
        mode = "1" if page.bitmap.mode == "1" else "RGB"
        image = Image.new(mode, (page.bitmap.width, page.bitmap.height))
        ImageDraw.Draw(image).multiline_text((0, 0), "\n".join(page.lines), align="center")
        hashlib.sha256(image.tobytes()).digest()


def hashed(pages: list[Page]) -> None:
    for page in pages:
        raw = page.bitmap.rows if page.bitmap else "\n".join(page.lines).encode()
        hashlib.sha256(raw).digest()


def measured(name: str) -> dict[str, Any]:
    face = model.load(name)
    finished = pages_of(face, fresh())
    queue = [fresh() for _ in range(7)]
    spent: dict[str, list[float]] = {"ours": [], "peer": [], "limit": []}

    def note(key: str, work: Callable[[], object]) -> Callable[[], None]:
        return lambda: spent[key].append(on_one_core(work))

    def peer() -> None:
        if face.graphic:
            pillow(face, finished)
        else:
            wrapped(face, queue[0])

    take_turns(
        note("ours", lambda: pages_of(face, queue.pop())),
        note("peer", peer),
        note("limit", lambda: hashed(finished)),
        rounds=5,
    )
    ours, peer_, limit = (COUNT / sorted(times[1:])[2] for times in spent.values())
    return row(
        f"compiler: {name}",
        "notices/s",
        ours=ours,
        peer=peer_,
        limit=limit,
        conditions=f"median of 5 on one core, {COUNT:,} notices, {len(finished) / COUNT:.1f} pages "
        f"each{', with bitmap and hash' if face.graphic else ''}; "
        + ("Pillow draws the finished lines" if face.graphic else "textwrap breaks lines only"),
    )


def run() -> list[dict[str, Any]]:
    return [measured(name) for name in model.names()]


if __name__ == "__main__":
    print(json.dumps(run(), indent=2, ensure_ascii=False))
