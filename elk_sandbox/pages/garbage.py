"""Streamlit looks for garbage among all objects after each run of a page, and nothing is sent meanwhile.

Modules and kept results are most of them and never become garbage: some 400,000 objects, 0.1 to 0.3 s each time.
"""

import gc
from collections.abc import Mapping
from time import monotonic
from typing import Any

__all__ = ["look_at_new_objects_only"]

SLOW = 0.02  # seconds of a collection from which on what it left is set aside
WHOLE = 600.0  # seconds after which what was set aside is looked through again


class _SetAside:
    """Told when a collection begins and ends: what a whole one has left is not looked at in the next."""

    def __init__(self) -> None:
        self.began = self.whole = monotonic()

    def __call__(self, phase: str, told: Mapping[str, Any]) -> None:
        if phase == "start":
            self.began = monotonic()
        elif told["generation"] == 2:
            now = monotonic()
            if now - self.whole > WHOLE and gc.get_freeze_count():
                self.whole = now
                gc.unfreeze()
            elif now - self.began > SLOW:
                gc.freeze()


def look_at_new_objects_only() -> None:
    """From now on, in this process; a second call changes nothing."""
    if not any(isinstance(each, _SetAside) for each in gc.callbacks):
        gc.callbacks.append(_SetAside())
