"""Who sits before the browser, as far as that is known."""

import getpass

from elk_sandbox.pages.access import local

__all__ = ["visitor"]


def visitor() -> str:
    """On this machine whoever started the server, as in the terminal; from elsewhere a person has to say who it is."""
    try:
        return getpass.getuser() if local() else ""
    except (KeyError, OSError):
        return ""
