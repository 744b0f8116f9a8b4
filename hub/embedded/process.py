"""One supervised process: a program started, or a fork of this one that calls a function.

Our own roles are forks: everything is imported once, so that nine processes are up in the time of
one (5 s instead of 16 on two cores) and share that memory. Foreign programs are started.
"""

import ctypes
import io
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from setproctitle import getproctitle, setproctitle

from hub import clock

PR_SET_PDEATHSIG = 1
# It finds its place in memory beside the environment: before the first variable is set there.
getproctitle()
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Service:
    """One process. `call`: run in a fork of this process instead of starting `argv`, which then
    only names it. `ready` is asked with what it logged since its start; None: started is ready.
    `needed`: when it dies before it was ready, the whole start has failed. `grace`: seconds
    between SIGTERM and SIGKILL. `foundation`: the others lean on it, so it ends last."""

    name: str
    argv: Sequence[str]
    call: Callable[[], None] | None = None
    title: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[str], bool] | None = None
    needed: bool = True
    grace: float = 5.0
    nice: int = 0
    foundation: bool = False


class Forked:
    """A fork of this process, with the part of Popen's manners that the supervisor needs."""

    def __init__(self, service: Service, log: int) -> None:
        assert service.call is not None
        self.returncode: int | None = None
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(_live(service, service.call, log, parent))

    def poll(self) -> int | None:
        return self._reap(os.WNOHANG)

    def wait(self) -> int | None:
        return self._reap(0)

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def _reap(self, how: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, how)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def _live(service: Service, call: Callable[[], None], log: int, parent: int) -> int:
    """The forked child's whole life; its exit code."""
    try:
        os.setsid()
        _as_child(parent, service.nice)
        for number in _ENDING:
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        # Nothing else of the parent's may stay open: the instance's lock and the warden's pipe
        # would outlive it here.
        os.closerange(3, os.sysconf("SC_OPEN_MAX") if sys.platform != "linux" else 65536)
        os.environ.update(service.env)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(line_buffering=True)
        setproctitle(" ".join(service.argv))
        call()
        return 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


class Child:
    """A service and its present process."""

    def __init__(self, service: Service, log: Path) -> None:
        self.service, self.log = service, log
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self.is_ready = False
        self.started = 0.0
        self.took = 0.0
        self.deaths = 0
        self.again_at = 0.0
        self._log_from = 0

    def start(self) -> int:
        """Start it; its process group's number."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        parent, nice = os.getpid(), self.service.nice
        with open(self.log, "ab") as out:
            self._log_from = out.tell()
            if self.service.call is not None:
                self.process = Forked(self.service, out.fileno())
            else:
                self.process = subprocess.Popen(
                    list(self.service.argv),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **self.service.env},
                    start_new_session=True,
                    preexec_fn=lambda: _as_child(parent, nice),
                )
        self.started, self.is_ready = clock.monotonic(), False
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def check_ready(self) -> bool:
        """Ask once more, unless it was ready already."""
        if not self.is_ready and self.running:
            probe = self.service.ready
            self.is_ready = probe is None or probe(self.logged())
            self.took = clock.monotonic() - self.started
        return self.is_ready

    def logged(self) -> str:
        """What it wrote since it was started, at most the last 64 KiB."""
        with open(self.log, "rb") as lines:
            size = lines.seek(0, os.SEEK_END)
            start = self._log_from if self._log_from <= size else 0
            lines.seek(max(start, size - 65536))
            return lines.read().decode(errors="replace")


def private_file(path: Path, text: str) -> None:
    """Write a file that only this user may read, whole or not at all."""
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    with open(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    partial.replace(path)


def _as_child(parent: int, nice: int) -> None:
    """In the child before it becomes its program."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask for its signal
            os._exit(1)
    if nice:
        os.nice(nice)


_libc = ctypes.CDLL(None)
