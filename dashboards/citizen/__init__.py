"""The public app: find a station, follow it, read what is said, be told. No account, no tracking.

Every page is made on the server and works without a script; a browser that can also follows,
receives notifications and keeps the last notices for when there is no network.
"""

from fastapi import APIRouter

from dashboards.citizen import app, pages

router = APIRouter(include_in_schema=False)
for part in (pages, app):
    router.include_router(part.router)
