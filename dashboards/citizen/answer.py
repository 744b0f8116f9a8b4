"""A page as a slow network wants it: whole in one answer, small, and not sent twice."""

import gzip
import hashlib
import re
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import Request, Response
from markupsafe import Markup, escape

from dashboards import assets
from dashboards.base import i18n, pages
from hub import clock, settings

# The page is checked at each visit; what did not change costs an answer without a body.
_HEADERS: Final = {"Cache-Control": "no-cache", "Vary": "Cookie, Accept-Language, Accept-Encoding"}
_STAMP: Final = "0" * 13
_COPIED: Final = "~copied~"
# From three days away a moment is told by its date, never by "today".
_APART: Final = timedelta(days=3)
_LINKS: Final = re.compile(
    r"(?P<url>https?://[^\s<>\"»]+[^\s<>\"».,;:!?)])"
    r"|(?<!\d)(?P<tel>(?:\+33[ .\u00a0]?|0)[1-9](?:[ .\u00a0]?\d\d){4}"
    # Short numbers only where they are surely numbers to call: « le 112 », « appelez le 18 ».
    r"|(?:(?<=\b[Ll]e )|(?<=\bal )|(?<=all ))11[24]|(?<=ppelez le )1[578])(?!\d)"
)


def page(request: Request, template: str, now: datetime, **context: Any) -> Response:
    """`template` rendered; 304 where the browser has it. `now` is stamped on the page, so that a
    copy read without a network says how old it is; it is left out of the entity tag."""
    zone: str = context.setdefault("zone", "Europe/Paris")
    made = pages.render(
        request,
        template,
        headers=_HEADERS,
        now=now,
        stamp=_STAMP,
        copied=_COPIED,
        skew=round(clock.offset().total_seconds() * 1000),
        site=settings.get().url,
        worker=f"/sw.js?offline={assets.url('citizen/citizen-cache.js')}",
        linked=linked,
        apart=_APART,
        **context,
    )
    status, body = made.status_code, bytes(made.body)
    if status != 200:
        return made
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
    made.headers["ETag"] = tag
    if request.headers.get("if-none-match") == tag:
        del made.headers["content-length"]
        return Response(status_code=304, headers=dict(made.headers))
    said = i18n.moment(now, pages.language_of(request), zone, now=now + _APART)
    body = body.replace(_STAMP.encode(), b"%d" % (now.timestamp() * 1000), 1)
    body = body.replace(_COPIED.encode(), said.encode(), 1)
    if "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 6, mtime=0)
        made.headers["Content-Encoding"] = "gzip"
    made.headers["Content-Length"] = str(len(body))
    return Response(body, headers=dict(made.headers))


def linked(text: str) -> Markup:
    """`text` with its web addresses and telephone numbers to tap on; all else is escaped."""
    parts, at = [], 0
    for found in _LINKS.finditer(text):
        parts.append(escape(text[at : found.start()]))
        said = found[0]
        if found["url"]:
            host = urlsplit(said).hostname or said
            link = '<a href="{}" rel="noopener nofollow">{}</a>'
            parts.append(Markup(link).format(said, said if len(said) <= 50 else host))
        else:
            digits = re.sub(r"[^+\d]", "", said)
            parts.append(Markup('<a class="nowrap" href="tel:{}">{}</a>').format(digits, said))
        at = found.end()
    parts.append(escape(text[at:]))
    return Markup("").join(parts)
