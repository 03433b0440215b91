"""What the self-test of the isolation found on this machine, kept in the workspace for as long as it holds."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elk_sandbox.runtime import workspace
from elk_sandbox.runtime.attacks import Attack, fingerprint

__all__ = ["as_dict", "keep", "kept"]


def as_dict(attacks: Sequence[Attack], level: str) -> dict[str, Any]:
    """The findings as plain values."""
    listed = [{"name": a.name, "blocked": a.blocked, "detail": a.detail} for a in attacks]
    return {"isolation": level, "attacks": listed, "blocked": sum(a.blocked for a in attacks)}


def keep(home: Path, found: dict[str, Any]) -> None:
    """Keep the findings, with what they depend on. Raises OSError."""
    workspace.write(home / "isolation.json", json.dumps({"of": fingerprint(), **found}))


def kept(home: Path) -> dict[str, Any] | None:
    """The findings; None if nothing was measured, or if kernel, user, Python or packages are others by now."""
    try:
        found = json.loads((home / "isolation.json").read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("of") == fingerprint() else None
