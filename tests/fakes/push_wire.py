"""A sender's connection as a push service sees it: HTTP/1.1, or HTTP/2 where TLS agreed on it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import h2.config
import h2.connection
import h2.events


@dataclass(frozen=True)
class Answer:
    status: int = 201
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: bool = False
    cut: bool = False  # half an answer, then the end of the connection


Respond = Callable[[str, str, dict[str, str], bytes, str], Answer | None]
"""method, path, headers (lower case), body, HTTP version → the answer; None: say nothing."""


class Connection(asyncio.Protocol):
    """One connection of a sender: HTTP/1.1, or HTTP/2 where TLS agreed on it."""

    def __init__(self, respond: Respond, connected: Callable[[], None]) -> None:
        self._respond, self._connected = respond, connected
        self._buffer = b""
        self._h2: h2.connection.H2Connection | None = None
        self._streams: dict[int, tuple[dict[str, str], bytearray]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._connected()
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
            self._h2 = h2.connection.H2Connection(config=config)
            self._h2.initiate_connection()
            self._transport.write(self._h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        if self._h2 is not None:
            self._http2(self._h2, data)
            return
        self._buffer += data
        for request in self._requests():
            answer = self._respond(*request, "1.1")
            if answer is None:
                continue
            if answer.cut:
                self._transport.write(b"HTTP/1.1 201 Cre")
                self._transport.close()
                return
            lines = [f"HTTP/1.1 {answer.status} .", f"content-length: {len(answer.body)}"]
            lines += [f"{name}: {value}" for name, value in answer.headers.items()]
            self._transport.write("\r\n".join([*lines, "", ""]).encode() + answer.body)

    def _requests(self) -> Iterator[tuple[str, str, dict[str, str], bytes]]:
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
            size = int(headers.get("content-length", "0"))
            if len(rest) < size:
                return
            self._buffer = rest[size:]
            method, path, _ = first.split(" ")
            yield method, path, headers, rest[:size]

    def _http2(self, connection: h2.connection.H2Connection, data: bytes) -> None:
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self._streams[event.stream_id] = (dict(event.headers), bytearray())
            elif isinstance(event, h2.events.DataReceived):
                self._streams[event.stream_id][1].extend(event.data)
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self._streams.pop(event.stream_id, None)
            elif isinstance(event, h2.events.StreamEnded):
                headers, body = self._streams.pop(event.stream_id)
                answer = self._respond(
                    headers[":method"], headers[":path"], headers, bytes(body), "2"
                )
                if answer is None:
                    continue
                fields = [(":status", str(answer.status)), *answer.headers.items()]
                connection.send_headers(event.stream_id, fields, end_stream=not answer.body)
                if answer.body:
                    connection.send_data(event.stream_id, answer.body, end_stream=True)
        self._transport.write(connection.data_to_send())
