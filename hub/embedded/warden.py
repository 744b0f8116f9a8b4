"""The process that ends the others when the supervisor cannot: after its kill -9, say.

Run by path with nothing but the standard library, in a session of its own. It reads `+GROUP` and
`-GROUP` lines from the supervisor; when those end, the leaders of whatever groups are left get
SIGTERM and, after a grace, the whole groups SIGKILL. It holds a lock file meanwhile, so the next
start waits for the last one's end: two queues or brokers never work in one folder.
"""

import fcntl
import os
import signal
import sys
import time

GRACE_S = 4.0


def living(groups: set[int]) -> set[int]:
    """The groups that still have a process which is not a zombie."""
    if not os.path.isdir("/proc/self"):
        return {g for g in groups if _signal(g, 0)}
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as stat:
                    state, _parent, group = stat.read().rpartition(b")")[2].split()[:3]
            except (OSError, ValueError):
                continue
            if state not in (b"Z", b"X") and int(group) in groups:
                found.add(int(group))
    return found


def end(groups: set[int], grace: float = GRACE_S) -> None:
    """End every process of `groups`; returns when none is left or nothing more can be done.

    Only the leader is asked first: it lets its own children finish what they are sending. The pool
    of a worker, told directly, would drop it half sent.
    """
    for group in groups:
        try:
            os.kill(group, signal.SIGTERM)
        except ProcessLookupError:
            _signal(group, signal.SIGTERM)
    limit = time.monotonic() + grace
    while (left := living(groups)) and time.monotonic() < limit:
        time.sleep(0.05)
    for group in left:
        _signal(group, signal.SIGKILL)
    limit = time.monotonic() + 2
    while living(left) and time.monotonic() < limit:
        time.sleep(0.02)


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main(lock_path: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    lock = os.open(lock_path, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(1, b"watching\n")
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    end(groups)


if __name__ == "__main__":
    main(sys.argv[1])
