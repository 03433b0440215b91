"""The editor's script is served without its web font, and names that a visitor makes up fill no memory."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from elk_sandbox.pages import fonts

AT = "/component/code_editor.code_editor/static/js/"


def served(name: str) -> bytes | None:
    """What LocalFonts answers itself; None where it leaves that to the app."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        return None

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(fonts.LocalFonts(app)({"type": "http", "path": AT + name, "headers": []}, None, send))  # type: ignore[arg-type]
    return b"".join(m.get("body", b"") for m in sent) if sent else None


def test_names_that_are_made_up_fill_no_memory() -> None:
    for k in range(100):
        assert served(f"{k}.chunk.js") is None
    assert fonts._script.cache_info().currsize <= 8


def test_the_script_asks_for_no_font() -> None:
    code_editor = pytest.importorskip("code_editor")
    folder = Path(code_editor.__file__).parent / "frontend/build/static/js"
    scripts = [(p.name, p.read_bytes()) for p in folder.glob("*.chunk.js")]
    assert any(fonts.FONT.search(text) for _, text in scripts)
    for name, text in scripts:
        body = served(name)
        assert body and not fonts.FONT.search(body) and len(body) > len(text) / 2
