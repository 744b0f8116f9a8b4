"""Ports of this machine: a free one, and whether one answers."""

import errno
import socket


def free(host: str = "127.0.0.1", wish: int = 0) -> int:
    """`wish` if nobody has it, else one the system picks. It is not held: bind it soon."""
    for port in (wish, 0):
        with socket.socket(_family(host)) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise OSError(errno.EADDRINUSE, f"no free port on {host}")


def taken(host: str, port: int) -> str:
    """Why a server could not listen there; empty when it could."""
    with socket.socket(_family(host)) as probe:
        # As servers do: a port that only has old connections in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error.strerror or str(error)
    return ""


def answers(host: str, port: int, timeout: float = 0.5) -> bool:
    """Whether somebody accepts a connection there."""
    try:
        socket.create_connection((host, port), timeout=timeout).close()
    except OSError:
        return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
