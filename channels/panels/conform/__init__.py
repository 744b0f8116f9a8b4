"""The conformance kit: an installer's acceptance of any panel that speaks docs/panel-contract.md.

It stands in for the hub on the broker, says right and wrong things, and looks only at what the
panel answers. One module of checks a part of the contract; the order of import is the order of run.
"""

from channels.panels.conform import (  # noqa: I001 - the order in which the checks run
    check_meeting,
    check_refusals,
    check_times,
    check_orders,
    check_images,
    check_link,
    check_whole,
)
from channels.panels.conform.bench import Login, NoBroker
from channels.panels.conform.check import CHECKS
from channels.panels.conform.kit import Interrupted, Pace
from channels.panels.conform.report import html, text
from channels.panels.conform.run import Asked, run

MODULES = (
    check_meeting, check_refusals, check_times, check_orders, check_images, check_link, check_whole,
)  # fmt: skip

__all__ = [
    "CHECKS", "MODULES", "Asked", "Interrupted", "Login", "NoBroker", "Pace", "html", "run", "text",
]  # fmt: skip
