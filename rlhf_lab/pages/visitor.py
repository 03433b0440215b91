"""Who sits before the browser, as far as that is known."""

import getpass
import ipaddress

import streamlit as st

__all__ = ["visitor"]


def visitor() -> str:
    """On this machine whoever started the server, as in the terminal; from elsewhere a person has to say who it is."""
    try:
        local = ipaddress.ip_address(st.get_option("server.address") or "0.0.0.0").is_loopback
        return getpass.getuser() if local else ""
    except (ValueError, KeyError, OSError):
        return ""
