"""One notice: what to do, when, where, who says it, and all its revisions."""

from fastapi import APIRouter, Request, Response

from dashboards.base import drawing, pages
from dashboards.citizen import reading
from dashboards.citizen.answer import page
from hub import clock, db, settings
from hub.contracts import Image

router = APIRouter()


@router.get("/p/{publication}")
def notice(publication: str, request: Request) -> Response:
    now = clock.now()
    with db.reading(db.EVERYWHERE) as session:
        story = reading.story(session, publication.upper(), now)
    if story is None:
        return page(request, "citizen/missing.html", now, status=404, what="notice")
    seen = story.seen
    language = pages.language_of(request)
    base = settings.get().url
    return page(
        request,
        "citizen/notice.html",
        now,
        zone=story.authority.timezone,
        story=story,
        seen=seen,
        it=seen.notice,
        text=seen.text_for(language),
        text_lang=seen.language_for(language),
        sketch=drawing.drawing_of(seen.territory, seen.notice.area) if seen.notice.area else None,
        # Only pictures of this hub: the page promises to ask nobody else.
        images=[
            (image.url.removeprefix(base), _alt(image, language))
            for image in seen.notice.images
            if image.url.startswith(f"{base}/")
        ],
    )


def _alt(image: Image, language: str) -> str:
    return image.alt.get(language) or next(iter(image.alt.values()))
