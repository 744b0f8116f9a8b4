"""LED panels: compiler, plan, signature, wire and listener; `twin/` is a panel in software."""

from channels.panels.adapter import Panel, PanelOptions
from hub.contracts import Saying

__all__ = ["Panel", "PanelOptions", "Saying"]
