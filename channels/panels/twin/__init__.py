"""A panel in software: a real MQTT client that obeys docs/panel-contract.md.

It shares no code with the hub's compiler: only the schemas, the models and the bitmap font, which
are data. `tambour panel emulate` runs it; tests hold it against both brokers.
"""

from channels.panels.twin.panel import PanelClock, Twin
from channels.panels.twin.serve import run

__all__ = ["PanelClock", "Twin", "run"]
