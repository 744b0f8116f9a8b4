"""The citizens' face: find a station, follow it, read what it says, on any phone and any network.

Every page is whole without a script. What a script adds: the stations followed on this device,
pages that stay right while they are open, reading without a network, notifications.
"""

from fastapi import APIRouter

from dashboards.citizen import agenda, device, notice, stations

router = APIRouter(include_in_schema=False)
for part in (stations, notice, agenda, device):
    router.include_router(part.router)
