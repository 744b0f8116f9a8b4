"""Where the sandbox's processes come from: a process that has the connectors' code loaded already
and forks a fresh one for each parse. Starting Python and loading a connector takes 0.5 s of
processor, a fork 10 ms: 500 feeds that all change within five minutes fit only with the latter.

The nursery itself never sees a feed's bytes: it is told which code to load and gets the three pipes
of the child (SCM_RIGHTS), whose number and exit code it reports. It ends with the process that
started it, or after two idle minutes.
"""

import atexit
import contextlib
import json
import os
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hub import clock

IDLE_S: Final = 120.0
_ROOT: Final = Path(__file__).resolve().parent.parent
_PASSED_ON: Final = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "TZDIR", "SYSTEMROOT")
_NUMBER: Final = struct.Struct("!q")
_CHUNK: Final = 65_536


class TookTooLong(Exception):
    """The child did not answer in time; it was killed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Exit code (negative: the signal), standard output, standard error."""

    code: int
    out: bytes
    err: bytes


class Nursery:
    """This process's nursery; one order at a time."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._ours, theirs = socket.socketpair()
        self._environment = _environment()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hub.sandbox", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                cwd=_ROOT,
                # One thread each: numerical libraries reserve address space by the core.
                env=self._environment | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )

    @property
    def usable(self) -> bool:
        """Ours, not ended, and started where code is looked for in the same places as now."""
        ours = self.owner == os.getpid() and self._environment == _environment()
        return ours and self._process.poll() is None

    def run(self, kinds: Sequence[str], given: bytes, wall_s: float) -> Answer:
        """What a fresh child answers to `given`. Raises TookTooLong, or OSError where the nursery
        is gone."""
        deadline = clock.monotonic() + wall_s
        pipes = [os.pipe() for _ in range(3)]
        (to_read, to_write), (out, out_end), (err, err_end) = pipes
        left = {fd for pair in pipes for fd in pair}

        def close(*fds: int) -> None:
            for fd in fds:
                left.discard(fd)
                os.close(fd)

        pid = 0
        try:
            order = json.dumps(list(kinds)).encode()
            socket.send_fds(self._ours, [order], [to_read, out_end, err_end])
            close(to_read, out_end, err_end)
            pid = self._number(deadline)
            said, trouble = _converse(to_write, given, out, err, deadline, close)
            return Answer(self._number(deadline), said, trouble)
        except TookTooLong:
            if pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
            self.close()  # whatever it still had to say is not waited for
            raise
        finally:
            close(*left)

    def _number(self, deadline: float) -> int:
        self._ours.settimeout(max(0.001, deadline - clock.monotonic()))
        try:
            said = self._ours.recv(_NUMBER.size, socket.MSG_WAITALL)
        except TimeoutError:
            raise TookTooLong from None
        if len(said) < _NUMBER.size:
            raise ConnectionError("the nursery has ended")
        return int(_NUMBER.unpack(said)[0])

    def close(self) -> None:
        """End it, and whatever it started."""
        self._ours.close()
        if self.owner == os.getpid():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _environment() -> dict[str, str]:
    """Nothing of the hub's own: no secret, no address of a database."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


_lock = threading.Lock()
_mine: Nursery | None = None


def run(kinds: Sequence[str], given: bytes, wall_s: float) -> Answer:
    """`Nursery.run` of this process's own; it is started when there is none, and once more when it
    has just ended. Processes forked from this one have their own."""
    global _mine
    with _lock:
        for last in (False, True):
            if _mine is None or not _mine.usable:
                _close()
                _mine = Nursery()
            try:
                return _mine.run(kinds, given, wall_s)
            except TookTooLong:
                _mine = None
                raise
            except OSError:
                _close()
                if last:
                    raise
    raise AssertionError("unreachable")


@atexit.register
def close() -> None:
    """End this process's nursery, if it has one."""
    with _lock:
        _close()


def _close() -> None:
    global _mine
    if _mine is not None:
        _mine.close()
        _mine = None


def _after_fork() -> None:
    """A lock that a thread of the parent held would stay held here for ever."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def _converse(
    to: int, given: bytes, out: int, err: int, deadline: float, close: Callable[..., None]
) -> tuple[bytes, bytes]:
    """Write `given` to the child and read both of its pipes to their end."""
    said: dict[int, bytearray] = {out: bytearray(), err: bytearray()}
    rest = memoryview(given)
    os.set_blocking(to, False)
    with selectors.DefaultSelector() as waiting:
        waiting.register(to, selectors.EVENT_WRITE)
        for fd in (out, err):
            waiting.register(fd, selectors.EVENT_READ)
        while waiting.get_map():
            left = deadline - clock.monotonic()
            ready = waiting.select(max(0.0, left)) if left > 0 else []
            if not ready:
                raise TookTooLong
            for key, _ in ready:
                fd = key.fd
                if fd == to:
                    with contextlib.suppress(BlockingIOError):
                        try:
                            rest = rest[os.write(to, rest[:_CHUNK]) :]
                        except BrokenPipeError:  # it has its reasons, and says them
                            rest = rest[:0]
                    if not rest:
                        waiting.unregister(to)
                        close(to)
                elif data := os.read(fd, _CHUNK):
                    said[fd] += data
                else:
                    waiting.unregister(fd)
    return bytes(said[out]), bytes(said[err])


def serve(channel: socket.socket, load: Callable[[str], object], work: Callable[[], None]) -> None:
    """The nursery's side: for each order, load the code, fork, `work` in the child with its pipes
    as standard input, output and error; say its number, then its exit code."""
    while select.select([channel], [], [], IDLE_S)[0]:
        order, fds, _, _ = socket.recv_fds(channel, _CHUNK, 3)
        if not order:
            return
        for kind in json.loads(order):
            with contextlib.suppress(Exception):  # the child will say what is wrong with it
                load(kind)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                channel.close()
                os.setsid()
                for number, fd in enumerate(fds):
                    os.dup2(fd, number)
                os.closerange(3, max(fds) + 1)
                work()
                code = 0
            except BaseException as error:
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
            finally:
                os._exit(code)
        for fd in fds:
            os.close(fd)
        channel.sendall(_NUMBER.pack(pid))
        _, status = os.waitpid(pid, 0)
        channel.sendall(_NUMBER.pack(os.waitstatus_to_exitcode(status)))
