"""Corpora: the split, the files that are refused, and the download against a real server."""

import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from elk_sandbox.terminal import InputError
from rlhf_lab import corpus
from rlhf_lab.stage import corpus_text

SHAKESPEARE = os.environ.get("RLHF_LAB_SHAKESPEARE")
needs_shakespeare = pytest.mark.skipif(not SHAKESPEARE, reason="RLHF_LAB_SHAKESPEARE names no copy of the text")


def test_stage_is_made_from_its_seed() -> None:
    made = corpus.load("stage", seed=3, size=5_000)
    assert (made.name, made.text) == ("stage", corpus_text(3, 5_000))
    assert made.sha256 == hashlib.sha256(made.text.encode()).hexdigest()
    assert corpus.load("stage", seed=4, size=5_000).sha256 != made.sha256


def test_the_split_is_nine_to_one() -> None:
    text = "".join(chr(ord("a") + i % 26) for i in range(1_005))
    train, validation = corpus.Corpus("x", text, "").split()
    assert train + validation == text
    assert len(train) == int(0.9 * len(text)) == 904


def test_a_file_is_read(tmp_path: Path) -> None:
    """With a byte order mark or Windows line ends, or without."""
    (tmp_path / "a.txt").write_bytes("\ufeffO day!\r\n\r\nAdieu, Zoë.\r\n".encode())
    found = corpus.load(str(tmp_path / "a.txt"))
    assert found.text == "O day!\n\nAdieu, Zoë.\n"
    assert found.sha256 == hashlib.sha256(found.text.encode()).hexdigest()


@pytest.mark.parametrize(
    "content, line",
    [
        (b"", "is empty: name a file with text"),
        (b" \n\n\t\n", "is empty: name a file with text"),
        (b"some\0thing", "is a binary file"),
        (b"\x89PNG\r\n\x1a\n\0\0", r"is no text in UTF-8 \(byte 0\): convert it first"),
        ("Zoë".encode("latin-1"), r"is no text in UTF-8 \(byte 2\)"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, line: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError, match=line):
        corpus.load(str(tmp_path / "a.txt"))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="there is no file stgae: name a text file, or the corpus stage or shakespeare"
    ):
        corpus.load("stgae")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        corpus.load(str(tmp_path))


@needs_shakespeare
def test_shakespeare_from_a_local_file() -> None:
    found = corpus.load("shakespeare")
    assert (found.name, len(found.text), found.sha256) == ("shakespeare", 1_115_394, corpus.SHA256)
    assert [len(part) for part in found.split()] == [1_003_854, 111_540], "the customary split"


def test_a_local_file_that_is_not_shakespeare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("To be, or not.")
    monkeypatch.setenv(corpus.LOCAL_COPY, str(tmp_path / "a.txt"))
    with pytest.raises(
        InputError, match=r"a\.txt is not the text .* unset it, or train on any text with --corpus PATH"
    ):
        corpus.load("shakespeare")
    monkeypatch.setenv(corpus.LOCAL_COPY, str(tmp_path / "none.txt"))
    with pytest.raises(InputError, match=r"none\.txt cannot be read: No such file"):
        corpus.load("shakespeare")


class Server(http.server.ThreadingHTTPServer):
    content: bytes | None = None  # None: there is no such page
    asked = 0


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.server.content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The public home, on this machine, and a cache of one's own."""
    with serving() as server:
        monkeypatch.setattr(corpus, "HOME", f"http://127.0.0.1:{server.server_port}/input.txt")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.delenv(corpus.LOCAL_COPY, raising=False)
        yield server


@contextmanager
def serving() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_download_is_kept_and_mended(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One download serves two loads; a copy that was altered is fetched again."""
    server.content = Path(SHAKESPEARE).read_bytes() if SHAKESPEARE else b"To be.\n\nOr not.\n"
    monkeypatch.setattr(corpus, "SHA256", hashlib.sha256(server.content).hexdigest())
    first, second = corpus.load("shakespeare"), corpus.load("shakespeare")
    assert first == second and first.text.encode() == server.content
    assert server.asked == 1
    (kept,) = tmp_path.rglob("tinyshakespeare.txt")
    kept.write_text("altered")
    assert corpus.load("shakespeare") == first
    assert server.asked == 2


def test_a_download_with_the_wrong_hash_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.content = b"another text"
    with pytest.raises(InputError, match=r"wrong sha256 and was thrown away: .* RLHF_LAB_SHAKESPEARE or --corpus PATH"):
        corpus.load("shakespeare")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_no_network(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = r"name the file by RLHF_LAB_SHAKESPEARE or --corpus PATH, or use --corpus stage"
    with pytest.raises(InputError, match=rf"cannot be reached \(HTTPError\): .*{local}"):
        corpus.load("shakespeare")
    with serving() as gone:
        closed = gone.server_port
    monkeypatch.setattr(corpus, "HOME", f"http://127.0.0.1:{closed}/input.txt")
    with pytest.raises(InputError, match=rf"cannot be reached \(ConnectionError\): .*{local}"):
        corpus.load("shakespeare")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(InputError, match=rf"cannot be written \(.*\): .*{local}"):
        corpus.load("shakespeare")
