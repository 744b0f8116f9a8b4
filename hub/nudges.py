"""A nudge tells a worker that a row is due: a Celery task with an id, nothing else. The row is the
truth; a nudge that is lost costs at most a second (the sweep finds the row), one too many nothing.
"""

from collections.abc import Callable

from hub.vocabulary import Lane

Sender = Callable[[str, int, Lane], None]

_sender: Sender | None = None


def use(sender: Sender | None) -> None:
    """Set how this process nudges; None: it does not (tests, tools), the sweep does."""
    global _sender
    _sender = sender


def send(what: str, row_id: int, lane: Lane) -> None:
    """`what` is "display", "delivery", "source" or "confirm". Never raises: see db.after_commit."""
    if _sender is not None:
        _sender(what, row_id, lane)


def in_use() -> bool:
    """Whether somebody hears a nudge of this process."""
    return _sender is not None
