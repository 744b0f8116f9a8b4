"""LED panels: compiler, plan, signature, wire and listener; `twin/` is a panel in software."""

from channels.panels.adapter import Panel, PanelOptions, Saying

__all__ = ["Panel", "PanelOptions", "Saying"]
