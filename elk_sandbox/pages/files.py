"""The registry for pages, and where its cells are kept, read again only when a file changed."""

import os
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from elk_sandbox import judged
from elk_sandbox.runtime import registry as reading
from elk_sandbox.runtime.registry import Registry

__all__ = ["addresses", "registry"]

TRUSTED = 30.0  # seconds for which packages that were installed meanwhile may go unseen

Stamp = tuple[tuple[str, int, int], ...]


def registry() -> Registry:
    """`Registry.default()`. Raises RegistryError."""
    return _read(*_seen())


def addresses() -> Mapping[tuple[str, str], str]:
    """`judged.addresses` of that registry. Raises RegistryError."""
    return _addressed(*_seen())


def _seen() -> tuple[str, str, Stamp]:
    return os.getcwd(), str(reading.SHIPPED), _stamp(Path("proposals")) + _stamp(reading.SHIPPED)


def _stamp(folder: Path) -> Stamp:
    """What is seen of a folder's plug-in files from outside."""
    found = []
    for place in (folder, folder / "counterexamples"):
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.name.endswith(".py"):
                        stat = entry.stat()
                        found.append((entry.path, stat.st_mtime_ns, stat.st_size))
        except OSError:
            continue
    return tuple(sorted(found))


@st.cache_resource(show_spinner=False, max_entries=4, ttl=TRUSTED)
def _read(folder: str, shipped: str, stamp: Stamp) -> Registry:
    return Registry.default()


@st.cache_resource(show_spinner=False, max_entries=4, ttl=TRUSTED)
def _addressed(folder: str, shipped: str, stamp: Stamp) -> Mapping[tuple[str, str], str]:
    return judged.addresses(_read(folder, shipped, stamp))
