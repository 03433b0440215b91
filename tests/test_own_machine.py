"""A server that is configured for its own machine answers nobody else, over HTTP and web sockets alike."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit import config

from elk_sandbox.pages.access import TOKEN, OwnMachine, loopback
from tests.sample import REPOSITORY

PAGE, SOCKET = "/", "/_stcore/stream"
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Server:
    """The real app on every address and a free port."""

    def __init__(self, home: Path, *command: str, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = home / "server.log"
        environment = {k: v for k, v in os.environ.items() if k != TOKEN} | settings
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command, str(self.port)], cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT,
                env=environment | {"ELK_SANDBOX_HOME": str(home / "workspace")},
            )  # fmt: skip

    def wait(self) -> "Server":
        for _ in range(300):
            try:
                if self.status("localhost", "/_stcore/health") == 200:
                    return self
            except OSError:
                pass
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.2)
        raise AssertionError(self.log.read_text())

    def status(self, host: str, path: str, origin: str | None = None, at: str = "127.0.0.1") -> int:
        """What it answers who says this Host; a web socket is asked for on SOCKET."""
        more = (UPGRADE if path == SOCKET else "") + (f"Origin: {origin}\r\n" if origin else "")
        with socket.create_connection((at, self.port), timeout=30) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())
            return int(line.recv(64).split()[1])


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Configured for 127.0.0.1, and started so that it listens everywhere."""
    server = Server(tmp_path_factory.mktemp("local"), "uvicorn", "app:app", "--host", "0.0.0.0", "--port")
    try:
        yield server.wait()
    finally:
        server.process.kill()
        server.process.wait(20)


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Server]:
    """As it is documented for visitors from elsewhere."""
    command = ("streamlit", "run", "app.py", "--server.address", "0.0.0.0", "--server.port")
    server = Server(tmp_path, *command, **{TOKEN: "a secret"})
    try:
        yield server.wait()
    finally:
        server.process.kill()
        server.process.wait(20)


def own_address() -> str | None:
    """This machine's address in a network, if it is in one; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        try:
            line.connect(("192.0.2.1", 9))
        except OSError:
            return None
        found = str(line.getsockname()[0])
    return None if loopback(found) else found


def test_a_page_whose_name_was_pointed_at_this_machine_gets_nothing(local: Server) -> None:
    evil = f"evil.example:{local.port}"
    for path in (PAGE, SOCKET, "/_stcore/health"):
        assert local.status(evil, path, f"http://{evil}") == 403
    assert local.status("127.0.0.1.evil.example", PAGE) == 403
    assert local.status(f"127.0.0.1:{local.port}", SOCKET, "http://evil.example") == 403  # as Streamlit sees to


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST", "[::1]"])
def test_this_machine_is_answered_by_its_own_names(local: Server, host: str) -> None:
    here = f"{host}:{local.port}"
    assert local.status(here, PAGE) == 200
    assert local.status(here, SOCKET, f"http://{here}") == 101


def test_a_visitor_from_elsewhere_gets_nothing_though_the_socket_listens(local: Server) -> None:
    at = own_address()
    if at is None:
        pytest.skip("this machine is in no network")
    for path in (PAGE, SOCKET):
        assert local.status(f"localhost:{local.port}", path, at=at) == 403


def test_behind_a_token_any_name_is_answered(remote: Server) -> None:
    here = f"lab.example:{remote.port}"
    assert remote.status(here, PAGE) == 200
    assert remote.status(here, SOCKET, f"http://{here}") == 101
    if at := own_address():
        assert remote.status(here, SOCKET, f"http://{here}", at) == 101


def answered(kind: str, client: tuple[str, int] | None, *hosts: str) -> str:
    """What the middleware alone does with a request."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent.append({"type": "let in"})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": kind, "path": "/", "headers": [(b"host", h.encode()) for h in hosts], "client": client}
    asyncio.run(OwnMachine(app)(scope, receive, send))
    first = sent[0]
    return str(first.get("status", first["type"]))


@pytest.mark.parametrize(("kind", "no"), [("http", "403"), ("websocket", "websocket.close")])
def test_both_ends_are_looked_at(kind: str, no: str) -> None:
    assert config.get_option("server.address") == "127.0.0.1"
    assert answered(kind, ("127.0.0.1", 1), "localhost:8501") == "let in"
    assert answered(kind, ("::ffff:127.0.0.1", 1), "[::1]:8501") == "let in"
    assert answered(kind, None, "localhost") == "let in"
    assert answered(kind, ("192.0.2.7", 1), "localhost:8501") == no
    assert answered(kind, ("2001:db8::1", 1), "localhost:8501") == no
    for hosts in ((), ("",), ("evil.example",), ("localhost", "evil.example"), ("localhost@evil.example",), ("[::1",)):
        assert answered(kind, ("127.0.0.1", 1), *hosts) == no
    assert answered("lifespan", None) == "let in"
