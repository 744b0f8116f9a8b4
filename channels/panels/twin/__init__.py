"""A panel in software: a real MQTT client that obeys docs/panel-contract.md.

It shares no code with the hub's compiler: only the schemas, the models and the bitmap font, which
are data. `tambour panel emulate` runs it; tests hold it against both brokers.

    Twin      panel.py     one panel: clock, store and link put together
    display   schedule, player, proofs, journal: what the face does, without a network
    inbox     checks, seal, bitmap: what comes down
    mouth     health: what goes up
    Fleet     fleet.py     many of them in one thread
"""

from channels.panels.twin import enrolled
from channels.panels.twin.clocks import PanelClock
from channels.panels.twin.fleet import Fleet
from channels.panels.twin.link import Identity
from channels.panels.twin.panel import Twin
from channels.panels.twin.serve import run

__all__ = ["Fleet", "Identity", "PanelClock", "Twin", "enrolled", "run"]
