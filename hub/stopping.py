"""That this role shall end: asked once, seen by the role's process and by all it forked.

A worker that is told to stop closes the slice in hand and hands its shard back; the flag lies in
memory that its children share, because a signal reaches the parent alone.
"""

import mmap

_flag: mmap.mmap | None = None


def arm() -> None:
    """At the start of a role, before it forks: from here on `ask` is heard."""
    global _flag
    _flag = mmap.mmap(-1, 1)


def ask() -> None:
    if _flag is not None:
        _flag[0] = 1


def asked() -> bool:
    """Whether what is in hand shall be closed and nothing new begun."""
    return _flag is not None and _flag[0] == 1
