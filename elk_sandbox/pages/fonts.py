"""The editor's script without its web font: its themes ask Google for one, which POLICY forbids and nobody needs."""

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["LocalFonts"]

ASKED = re.compile(r"/component/code_editor\.code_editor/static/js/(?P<name>[\w.]+\.chunk\.js)$")
FONT = re.compile(rb"@import url\('https://fonts\.[^)]*\);")


class LocalFonts:
    """ASGI middleware that serves the script of streamlit-code-editor with no `@import` of a font in it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = ASKED.search(scope["path"]) if scope["type"] == "http" else None
        body = _script(asked["name"]) if asked else None
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = {"Cache-Control": "public, max-age=86400"}  # its name holds the hash of its content
        await Response(body, media_type="text/javascript", headers=headers)(scope, receive, send)


@lru_cache(maxsize=8)  # names come from the address
def _script(name: str) -> bytes | None:
    spec = find_spec("code_editor")
    if spec is None or spec.origin is None:
        return None
    try:
        return FONT.sub(b"", (Path(spec.origin).parent / "frontend/build/static/js" / name).read_bytes())
    except OSError:
        return None
