"""Who may act: on this machine everyone; from elsewhere those who know the token, and without a token nobody.

A file of proposals/ or of the workbench is code. On 127.0.0.1 whoever opens the app can run code anyway; that it is
this machine's own user who does, and not a web page that she visits nor a server started on another address than the
configured one, is what OwnMachine sees to.
"""

import hmac
import ipaddress
import os
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["TOKEN", "OwnMachine", "admit", "local", "loopback", "refusal"]

TOKEN = "ELK_SANDBOX_TOKEN"
ELSEWHERE = (
    "This server is configured for its own machine: open it there, as 127.0.0.1 or localhost. To reach it from "
    f"elsewhere, set {TOKEN} and start it with --server.address 0.0.0.0.\n"
)


def loopback(host: str) -> bool:
    """Whether a name or address, without a port, is this machine's own."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def local() -> bool:
    """Whether this server is configured to listen on this machine only."""
    return loopback(st.get_option("server.address") or "")  # without one Streamlit listens on every address


def refusal() -> str | None:
    """Why this server runs no user code, or None if it does."""
    if local() or os.environ.get(TOKEN):
        return None
    where = st.get_option("server.address") or "every address"
    return (
        f"This server listens on {where} and has no token, so it runs no user code: whoever reaches it could run "
        f"theirs here. Set {TOKEN} to a secret of your choice and start it again, or let it listen on 127.0.0.1."
    )


def admit() -> None:
    """Ask a visitor from elsewhere for the token once a session; nothing more is drawn until it is right."""
    token = os.environ.get(TOKEN)
    if local() or not token or st.session_state.get("admitted"):
        return
    st.title("This server asks for its token", anchor=False)
    with st.form("token"):
        given = st.text_input("Token", type="password", help=f"The value of {TOKEN} where the server was started.")
        sent = st.form_submit_button("Enter", type="primary")
    if sent and hmac.compare_digest(given.encode(), token.encode()):
        st.session_state["admitted"] = True
        st.rerun()
    if sent:
        st.error("That is not the token.")
    st.stop()


class OwnMachine:
    """ASGI middleware: what is configured to listen on this machine answers this machine alone, by its own name.

    A web page whose host name was pointed at 127.0.0.1 (DNS rebinding) still sends that name as Host. And a server that
    was started on another address than the configured one, as by `uvicorn app:app --host 0.0.0.0`, would otherwise take
    every visitor for a local one. Where another address is configured, the token decides, and any Host does.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not local() or _own(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send(
                {"type": "websocket.close", "code": 1008, "reason": "another machine"}
            )  # a 403, not accepted yet
        else:
            await PlainTextResponse(ELSEWHERE, 403)(scope, receive, send)


def _own(scope: Scope) -> bool:
    """Whether a request comes from this machine, and is meant for it."""
    client = scope.get("client")  # none on a socket in the file system
    hosts = Headers(scope=scope).getlist("host")
    return len(hosts) == 1 and loopback(_host(hosts[0])) and (client is None or loopback(client[0]))


def _host(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
