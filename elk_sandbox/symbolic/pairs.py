"""Which proposals have closed forms against which counterexamples and controls."""

from collections.abc import Sequence
from dataclasses import dataclass

from elk_sandbox.affine import NotAffine, read
from elk_sandbox.cells import LIMITS
from elk_sandbox.runtime.isolation import Child, UserError
from elk_sandbox.runtime.registry import Entry, Registry, RegistryError
from elk_sandbox.symbolic.flip import ROLE, Desk, Part, scene_of
from elk_sandbox.symbolic.openings import OPENINGS
from elk_sandbox.symbolic.regions import Axis
from elk_sandbox.terminal import InputError

__all__ = ["pairs"]


@dataclass(frozen=True)
class _Ready(Desk):
    """A desk whose only proposal has been read already: it is read once for all scenes."""

    ready: Part

    def part(self, entry: Entry, axes: Sequence[Axis]) -> Part:
        return self.ready


def pairs(registry: Registry) -> dict[str, dict[str, str | None]]:
    """Of every proposal and every scene why there is no closed form, None where there is one.

    Each proposal's file runs in a child. As the knobs stand: other values may need other terms.
    """
    return {name: _of(registry, entry) for name, entry in registry.proposals.items()}


def _of(registry: Registry, entry: Entry) -> dict[str, str | None]:
    knobs = entry.settings()
    try:
        with Child(ROLE, str(entry.path), entry.text, entry.name, limits=LIMITS) as child:
            part = Part(entry, knobs, {}, read(child, knobs, []))
    except NotAffine as reason:
        return dict.fromkeys(OPENINGS, f"{entry.name}: {reason}")
    except UserError as reason:
        return dict.fromkeys(OPENINGS, str(reason))
    return {world: _fault(registry, part, world) for world in OPENINGS}


def _fault(registry: Registry, part: Part, world: str) -> str | None:
    try:
        scene, file = scene_of(registry, world)
        _Ready([part.entry], scene, file, file.name if file else world, (), part).flip([], usual=True)
    except (InputError, RegistryError) as reason:
        return str(reason)
    return None
