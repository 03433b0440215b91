"""Learned worlds on disk: each is made once, by one process while others wait, and gives way to what takes its place.

A folder is known by the world's name and by a digest of all that it is made of. When a world of the same name is made
from something else, the old one goes: its digest can be asked for no more.
"""

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from elk_sandbox.learned.sources import Say
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.runtime import lock

__all__ = ["kept", "place"]

READABLE = 60  # characters of a name that its folder shows


def place(home: Path, name: str, digest: str) -> Path:
    """Where the world of that name and digest is kept."""
    return home / "worlds" / f"{_stem(name)}-{digest[:16]}"


def kept(home: Path, name: str, digest: str, make: Callable[[Path], LearnedWorld], say: Say) -> LearnedWorld:
    """The world, from the workspace `home`; what is not there, or cannot be read, is made and put there.

    make: is given the folder, into which it may put more. Raises WorldError as `make` does.
    """
    folder = place(home, name, digest)
    if (found := _loaded(folder)) is not None:
        return found
    folder.parent.mkdir(parents=True, exist_ok=True)
    with lock.waited(folder.parent / f"{_stem(name)}.lock", lambda: say("another process is making this world", 0.0)):
        if (found := _loaded(folder)) is not None:
            return found
        folder.mkdir(exist_ok=True)
        try:
            world = make(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        world.save(folder)
        for old in folder.parent.glob(f"{_stem(name)}-{'[0-9a-f]' * 16}"):
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        return world


def _loaded(folder: Path) -> LearnedWorld | None:
    try:
        return LearnedWorld.load(folder)
    except WorldError:  # not there, or not whole
        return None


def _stem(name: str) -> str:
    """Fit for a folder, and of this name alone."""
    readable = re.sub(r"[^A-Za-z0-9@=._-]+", "-", name)[-READABLE:].strip("-.")
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
