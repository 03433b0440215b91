"""Who may act: on this machine everyone; from elsewhere those who know the token, and without a token nobody.

A file of proposals/ or of the workbench is code. On 127.0.0.1 whoever opens the app can run code anyway.
"""

import hmac
import ipaddress
import os

import streamlit as st

__all__ = ["TOKEN", "admit", "local", "refusal"]

TOKEN = "ELK_SANDBOX_TOKEN"


def local() -> bool:
    """Whether this server listens on this machine only."""
    address = st.get_option("server.address")
    if not address:
        return False  # Streamlit then listens on every address
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return bool(address == "localhost")


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
