"""A connection pooler in transaction mode, small: each transaction may meet another session of the server."""

from __future__ import annotations

import socket
import struct
import threading
from typing import IO

from agentdb.tools.databases.dsn import Dsn


class Pooler:
    """Relays clients to `size` sessions of a server. in_turn: the session longest free is given out first, else the
    one last given back.

    Source: manual, "Message Flow": a session is free when ReadyForQuery says "I".
    """

    def __init__(self, dsn: Dsn, size: int, *, in_turn: bool = False) -> None:
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        self.in_turn = in_turn
        known = conninfo_to_dict(dsn.reveal())
        self.path = f"{known['host']}/.s.PGSQL.{known.get('port') or 5432}"
        words = (b"user", str(known["user"]).encode(), b"database", str(known["dbname"]).encode())
        body = struct.pack("!I", 196608) + b"\0".join(words) + b"\0\0"
        self.startup = struct.pack("!I", len(body) + 4) + body
        self.greeting = b""
        self.sockets: list[socket.socket] = []
        self.streams: list[IO[bytes]] = []
        self.free: list[tuple[socket.socket, IO[bytes]]] = [self._session() for _ in range(size)]
        self.some_free = threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        self.dsn = Dsn(
            make_conninfo(dsn.reveal(), host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
        )
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()
        for one in self.sockets:
            one.shutdown(socket.SHUT_RDWR)
        for stream in self.streams:
            stream.close()
        for one in self.sockets:
            one.close()

    def _session(self) -> tuple[socket.socket, IO[bytes]]:
        made = socket.socket(socket.AF_UNIX)
        made.connect(self.path)
        made.sendall(self.startup)
        stream = made.makefile("rb")
        self.streams.append(stream)
        self.greeting, _ = _answer(stream)
        self.sockets.append(made)
        return made, stream

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        stream = client.makefile("rb")
        self.streams.append(stream)
        try:
            stream.read(struct.unpack("!I", stream.read(4))[0] - 4)
            client.sendall(self.greeting)
            session: tuple[socket.socket, IO[bytes]] | None = None
            while head := stream.read(5):
                message = head + stream.read(struct.unpack("!I", head[1:])[0] - 4)
                if head[:1] == b"X":
                    return
                if session is None:
                    with self.some_free:
                        self.some_free.wait_for(lambda: self.free)
                        session = self.free.pop(0 if self.in_turn else -1)
                session[0].sendall(message)
                if head[:1] in b"QS":
                    answer, idle = _answer(session[1])
                    client.sendall(answer)
                    if idle:
                        with self.some_free:
                            self.free.append(session)
                            self.some_free.notify()
                        session = None
        except (OSError, struct.error):
            pass


def _answer(stream: IO[bytes]) -> tuple[bytes, bool]:
    """The server's messages up to ReadyForQuery, and whether no transaction is open."""
    found = b""
    while True:
        head = stream.read(5)
        body = stream.read(struct.unpack("!I", head[1:])[0] - 4)
        found += head + body
        if head[:1] == b"Z":
            return found, body == b"I"
