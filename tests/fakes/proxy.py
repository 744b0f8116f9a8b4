"""A fake HTTP proxy on loopback that tunnels (CONNECT, RFC 9110 section 9.3.6).

`asked` holds every "address:port" it was told to connect to. The outside world is a table: `sends`
says which port of this machine stands for a public address.
"""

import select
import socket
import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Proxy:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self._world: dict[str, int] = {}
        proxy = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                method, target = self.rfile.readline().decode().split()[:2]
                while self.rfile.readline().strip():
                    pass
                proxy.asked.append(target)
                port = proxy._world.get(target.rpartition(":")[0])
                if method != "CONNECT" or port is None:
                    self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                    return
                with socket.create_connection(("127.0.0.1", port)) as there:
                    self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _join(self.connection, there)

        ThreadingTCPServer.allow_reuse_address = True
        self._server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def sends(self, address: str, port: int) -> None:
        self._world[address] = port


def _join(one: socket.socket, other: socket.socket) -> None:
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (other if ready is one else one).sendall(data)
