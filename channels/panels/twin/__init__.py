"""A panel in software: a real MQTT client that obeys docs/panel-contract.md.

It shares no code with the hub's compiler: only the schemas, the models and the bitmap font, which
are data. `tambour panel emulate` runs it; tests hold it against both brokers.
"""

from channels.panels.twin.clocks import PanelClock
from channels.panels.twin.fleet import Fleet
from channels.panels.twin.link import Identity
from channels.panels.twin.panel import Twin
from channels.panels.twin.serve import run

__all__ = ["Fleet", "Identity", "PanelClock", "Twin", "run"]
