"""A running hub without a face: Valkey, the workers of `tambour up`, the sweep; this process
publishes as the API would, and nudges."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub import cli, db, nudges, settings, up
from hub.embedded import valkey
from hub.embedded.supervisor import Supervisor
from hub.worker import use_celery_for_nudges


@contextmanager
def working(nudging: bool = True, web: bool = False) -> Iterator[Supervisor]:
    """Inside crowd.hub: workers for every lane, until the end; with the web role when asked.
    `nudging` False where roles are started again meanwhile: they are forks of this process and
    would share its connection."""
    data = settings.get().data
    port, word = _free(), "bench"
    cli.prepare()
    with Supervisor(Path(data), lambda _line: None) as supervisor:
        supervisor.start(valkey.service(data / "valkey", port, word))
        os.environ |= {"TAMBOUR_REDIS_URL": valkey.url(port, word), "PORT": str(_free())}
        settings.get.cache_clear()
        db.dispose()
        supervisor.wait_ready(60)
        begins = ("worker", "beat", "web") if web else ("worker", "beat")
        for service in up.roles(settings.get()):
            if service.name.startswith(begins):
                supervisor.start(service)
        supervisor.wait_ready(90)
        if nudging:
            use_celery_for_nudges()
        try:
            yield supervisor
        finally:
            nudges.use(None)
            db.dispose()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
