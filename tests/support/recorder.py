"""A relay between driver and server that keeps what was said: for proving what did not reach a target."""

from __future__ import annotations

import socket
import struct
import threading

from agentdb.tools.databases.dsn import Dsn


class Recorder:
    """A relay to the server of a connection string; what clients say through it is kept.

    sessions: the options each session was opened with. statements: every query text, both protocols.
    Source: manual, "Message Formats".
    """

    def __init__(self, dsn: Dsn) -> None:
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        known = conninfo_to_dict(dsn.reveal())
        self.upstream = (str(known["host"]), int(str(known.get("port") or 5432)))
        self.sessions: list[str] = []
        self.statements: list[str] = []
        self.sockets: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        self.dsn = Dsn(
            make_conninfo(dsn.reveal(), host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
        )
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()
        for one in self.sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            host, port = self.upstream
            if host.startswith("/"):
                server = socket.socket(socket.AF_UNIX)
                server.connect(f"{host}/.s.PGSQL.{port}")
            else:
                server = socket.create_connection((host, port))
            self.sockets += [client, server]
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=_pump, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        try:
            with client.makefile("rb") as stream:
                size = stream.read(4)
                body = stream.read(struct.unpack("!I", size)[0] - 4)
                self.sessions.append(body[4:].replace(b"\0", b" ").decode())
                server.sendall(size + body)
                while head := stream.read(5):
                    body = stream.read(struct.unpack("!I", head[1:])[0] - 4)
                    if head[:1] == b"Q":
                        self.statements.append(body[:-1].decode())
                    elif head[:1] == b"P":
                        self.statements.append(body.split(b"\0", 2)[1].decode())
                    server.sendall(head + body)
            server.shutdown(socket.SHUT_WR)
        except (OSError, ValueError, struct.error):
            pass  # the test is over


def _pump(source: socket.socket, goal: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            goal.sendall(data)
        goal.shutdown(socket.SHUT_WR)
    except OSError:
        pass
