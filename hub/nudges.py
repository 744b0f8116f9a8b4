"""A nudge tells a worker that a row is due: a Celery task with an id, nothing else. The row is the
truth; a nudge that is lost costs at most a second (the sweep finds the row), one too many nothing.
"""

from collections.abc import Callable

from hub.vocabulary import Lane

Sender = Callable[[str, int, Lane], None]

Crowded = Callable[[str, Lane], bool]

_sender: Sender | None = None
_crowded: Crowded | None = None


def use(sender: Sender | None, crowded: Crowded | None = None) -> None:
    """Set how this process nudges; None: it does not (tests, tools), the sweep does. `crowded`
    says whether the queue holds so many that one more would only make it longer."""
    global _sender, _crowded
    _sender, _crowded = sender, crowded


def crowded(what: str, lane: Lane) -> bool:
    """Whether whoever repeats nudges had better wait: workers are away, and a queue that grows by
    the second all night fills the memory. The rows keep what is due."""
    return _crowded is not None and _crowded(what, lane)


def send(what: str, row_id: int, lane: Lane) -> None:
    """`what` is "display", "delivery", "source" or "confirm". Never raises: see db.after_commit."""
    if _sender is not None:
        _sender(what, row_id, lane)


def in_use() -> bool:
    """Whether somebody hears a nudge of this process."""
    return _sender is not None
