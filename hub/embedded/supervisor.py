"""Starts processes, keeps them running and ends them all, whatever ends this one.

Each child has its own process group, so that a child's children end with it. Three ways lead to the
end: `stop` in order, the last started first; a death signal from the kernel when this process is
killed; and the warden, who then sees to whole groups. One thread only: the kernel's signal is tied
to the thread that started the child.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO

from hub import clock
from hub.embedded import warden
from hub.embedded.process import Child, Service

LOG_BYTES, LOGS_KEPT = 5_000_000, 3


class NotReady(Exception):
    """A service did not become ready; the text names it and quotes the end of its log."""


class Interrupted(Exception):
    """Somebody asked to stop while things were still starting."""


class Supervisor:
    """`say` prints one line to whoever watches. Use as a context manager: leaving it ends all."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder, self.say = folder, say
        self.children: list[Child] = []
        self.asked = 0
        self._warden: subprocess.Popen[bytes] | None = None
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> "Supervisor":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup keeps us through a SIGHUP; the other two end us however we were started (a
            # script's shell starts its background commands with SIGINT ignored).
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._on_signal)
        try:
            self._watch()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
        for number, was in self._handlers.items():
            signal.signal(number, was)  # type: ignore[arg-type]

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1

    def start(self, service: Service) -> Child:
        child = Child(service, self.folder / "log" / f"{service.name}.log")
        self.children.append(child)
        self._launch(child)
        return child

    def _launch(self, child: Child) -> None:
        self._tell_warden(f"+{child.start()}\n")

    def wait_ready(self, timeout: float, *names: str) -> None:
        """Until these (or all) that are needed are ready. Raises NotReady, Interrupted."""
        asked = [c for c in self.children if not names or c.service.name in names]
        waiting = [c for c in asked if not c.is_ready]
        limit = clock.monotonic() + timeout
        while any(c.service.needed for c in waiting):
            for child in list(waiting):
                if child.check_ready():
                    waiting.remove(child)
                    title = f" ({child.service.title})" if child.service.title else ""
                    self.say(f"  {child.service.name + title:<28} ready, {child.took:.1f} s")
                elif not child.running and child.service.needed:
                    raise NotReady(_why(child, "ended before it was ready"))
                elif clock.monotonic() > limit and child.service.needed:
                    raise NotReady(_why(child, f"was not ready after {timeout:.0f} s"))
            self.pause(0.05)

    def pause(self, seconds: float) -> None:
        """Wait a little. Raises Interrupted when a signal came."""
        if self.asked:
            raise Interrupted
        select.select((), (), (), seconds)
        if self.asked:
            raise Interrupted

    def run(self, every: Callable[[], None] = lambda: None) -> None:
        """Keep everything running until a signal comes. `every` is called about twice a second."""
        try:
            while True:
                self.look()
                every()
                self.pause(0.5)
        except Interrupted:
            return

    def look(self) -> None:
        """One round: restart what died (1 s later, doubling to 30 s), note what became ready, keep
        logs small, keep a warden."""
        now = clock.monotonic()
        for child in self.children:
            name = child.service.name
            if child.running:
                if not child.is_ready and child.check_ready() and child.deaths:
                    self.say(f"{name} runs again")
                if child.deaths and child.is_ready and now - child.started > 60:
                    child.deaths = 0
                _rotate(child.log, LOG_BYTES)
            elif child.process is not None:
                code, group = child.process.returncode, child.process.pid
                warden.end({group}, grace=1.0)  # what a killed child left of its own
                self._tell_warden(f"-{group}\n")
                child.process = None
                child.deaths += 1
                delay = min(2.0 ** (child.deaths - 1), 30.0)
                child.again_at = now + delay
                self.say(f"{name} ended ({_code(code)}); starting it again in {delay:.0f} s")
            elif now >= child.again_at:
                self._launch(child)
        if self._warden is not None and self._warden.poll() is not None:
            self._watch()

    def stop(self) -> None:
        """End every child within its grace, the foundations last. A second signal hurries."""
        before = self.asked
        for last in (False, True):
            part = [c for c in self.children if c.service.foundation is last and c.process]
            for child in reversed(part):
                _terminate(child)
            limit = clock.monotonic() + max((c.service.grace for c in part), default=0)
            while (late := [c for c in part if c.running]) and clock.monotonic() < limit:
                if self.asked > before:
                    break
                select.select((), (), (), 0.02)
            for child in late:
                self.say(f"{child.service.name} did not end by itself")
            groups = {c.process.pid for c in part if c.process}
            warden.end(groups, grace=0.2)
            for child in part:
                if child.process:
                    child.process.wait()
                    child.process = None
            for group in groups:
                self._tell_warden(f"-{group}\n")
        if self._warden is not None:
            if self._warden.stdin is not None:
                self._warden.stdin.close()
            self._warden.wait()
            self._warden = None

    def _watch(self) -> None:
        """Start the warden; wait until the one of an earlier start has ended its groups."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._warden = subprocess.Popen(
            [sys.executable, "-I", "-S", warden.__file__, str(self.folder / "run.warden")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._warden.stdout is not None
        limit, told = clock.monotonic() + 20, False
        while not _readable(self._warden.stdout, 0.5):
            if self.asked:
                raise Interrupted
            if not told:
                self.say("waiting until what an earlier run left behind has ended")
                told = True
            if clock.monotonic() > limit:
                raise NotReady("what an earlier run left behind does not end; see run.warden")
        for child in self.children:
            if child.process is not None:
                self._tell_warden(f"+{child.process.pid}\n")

    def _tell_warden(self, line: str) -> None:
        if self._warden is not None and self._warden.stdin is not None:
            try:
                self._warden.stdin.write(line.encode())
                self._warden.stdin.flush()
            except BrokenPipeError:
                pass  # look() starts another and tells it everything


def _readable(stream: IO[bytes], timeout: float) -> bool:
    return bool(select.select((stream,), (), (), timeout)[0]) and bool(os.read(stream.fileno(), 64))


def _terminate(child: Child) -> None:
    if child.running and child.process is not None:
        child.process.terminate()


def _rotate(log: Path, limit: int) -> None:
    """Copy and cut short: the child keeps the file open in append mode and never notices."""
    if not log.exists() or log.stat().st_size <= limit:
        return
    for number in range(LOGS_KEPT - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


def _code(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit {code}"


def _why(child: Child, what: str) -> str:
    tail = "\n".join(child.logged().strip().splitlines()[-12:]) or "(it logged nothing)"
    return f"{child.service.name} {what}. The end of {child.log}:\n{tail}"
