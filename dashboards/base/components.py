"""The living page of components, in development and tests only."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from dashboards.base import drawing, pages
from hub import clock

router = APIRouter(include_in_schema=False)

TERRITORY: dict[str, Any] = {
    "type": "Polygon",
    "coordinates": [
        [[5.875, 45.225], [5.905, 45.221], [5.912, 45.236], [5.899, 45.252], [5.88, 45.249],
         [5.868, 45.238], [5.875, 45.225]]
    ],
}  # fmt: skip


@router.get("/_components")
def components(request: Request) -> Response:
    """Every component with example data."""
    now = clock.now()
    return pages.render(
        request,
        "base/components.html",
        now=now,
        later=now + timedelta(hours=30),
        drawing=drawing.drawing_of(TERRITORY, drawing.circle(5.888, 45.236, 450)),
    )
