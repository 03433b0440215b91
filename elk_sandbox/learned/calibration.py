"""Do the measures of a learned world order reporters as the exact ones do? Asked of the exact worlds.

An exact world's bits stand for a network's activations as a trained network has them: situations as they are drawn, so
that bits hang together and some are rare (one that never varies is a coin); half of the bits with noise about their two
values; and beside them, for measures that go through nodes, three times as many nodes as a step flips, which no
reporter reads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from elk_sandbox import worlds
from elk_sandbox.candidates import Reporters
from elk_sandbox.evidence.calibration import USABLE, Calibration, rank_correlation, references
from elk_sandbox.exam import encode
from elk_sandbox.learned.flips import BATCH, FLIPPED, PATTERNS, TRIED, Draw, rows_of, sure
from elk_sandbox.learned.relatives import Frame
from elk_sandbox.learned.view import SURROGATES, NetReporters, NetView
from elk_sandbox.needs import MEASURES
from elk_sandbox.objective import NotApplicable
from elk_sandbox.reporters import Reporter
from elk_sandbox.seats import Seat, control_seat
from elk_sandbox.view import View
from elk_sandbox.world import Case, World

__all__ = ["WIDE", "WORLDS", "Asked", "as_net", "asked_of", "batches", "calibrated", "correlations"]

WORLDS = ("screen", "atoms", "hard_inference", "masked_bit", "two_cue")
KIN = ("masked_bit", "mask", "two_predictors")  # those that have sibling predictors
OF_KIN = ("disagreement", "specificity")
EDITED: Mapping[str, Callable[[], World]] = {  # worlds whose nodes can be set
    "screen and scale": worlds.screen_and_scale,
    "atoms and scale": lambda: worlds.atoms(scale=True),
    "no human net": worlds.no_human_net,
}
MOST = 250  # reporters of a world
ROWS = 2000  # situations that are drawn
DRAWS = 64  # steps, over which a measure is averaged
WIDE = 3 * FLIPPED  # nodes that no reporter reads
NOISE = 0.1  # standard deviation about a bit's two values
MOST_ASKED = 50  # measures

Given: TypeAlias = tuple[tuple[Any, ...], tuple[tuple[str, Any], ...]]


def calibrated(asked: Any) -> list[Calibration]:
    """Each measure that was asked for and is estimated on a network: the lowest rank correlation over WORLDS.

    asked: [[name, [arguments], {named arguments}]], as a child tells it. Raises ValueError for anything else, and for
    what no learned world measures. The loss on labels is a formula in the answers and needs none.
    """
    if not isinstance(asked, list) or len(asked) > MOST_ASKED:
        raise ValueError(
            f"the answer of the process that trains is malformed: no list of at most {MOST_ASKED} measures"
        )
    found = []
    for name, given in dict.fromkeys(_checked(call) for call in asked):
        if name == "cross_entropy":
            continue
        values = correlations(name, given)
        low = min((v for v, _ in values.values()), default=None)
        words = " ".join([name, *map(str, given[0]), *(f"{k}={v}" for k, v in given[1])])
        count = sum(n for _, n in values.values())
        found.append(Calibration(words, low, count, low is not None and low >= USABLE))
    return found


def _checked(call: Any) -> tuple[str, Given]:
    match call:
        case [str(name), [*given], {**named}] if name in SURROGATES:
            if all(isinstance(v, str | int | float) for v in (*given, *named.values())):
                return name, (tuple(given), tuple(sorted((str(k), v) for k, v in named.items())))
    raise ValueError(f"{str(call)[:100]} asks for no measure that has a surrogate on a network")


@cache
def correlations(name: str, given: Given = ((), ())) -> Mapping[str, tuple[float, int]]:
    """Of a measure with its exact counterpart, by world: Spearman's, and over how many reporters.

    A world in which either is the same for all reporters, or cannot be asked, tells nothing and is left out. Raises
    ValueError for arguments that the measure has not.
    """
    found = {}
    for asked in asked_of(name):
        try:
            expected = getattr(asked.view, name)(asked.reporters, *given[0], **dict(given[1])).values
            mine = _estimated(name, given, asked.view, asked.reporters)
        except NotApplicable:
            continue
        except TypeError as reason:
            raise ValueError(str(reason)) from None
        value = rank_correlation(expected, mine)
        if value is not None:
            found[asked.name] = value, len(asked.reporters)
    return found


@dataclass(frozen=True, eq=False)
class Asked:
    """Reporters of an exact world, and it as they see it."""

    name: str
    world: World
    view: View
    reporters: Reporters

    @classmethod
    def of(cls, name: str, world: World, reporters: Sequence[Reporter], measure: str) -> "Asked":
        meta, arrays = encode(world, reporters, [measure] if measure in MEASURES else [], _random(), None)
        view = View(meta, arrays)
        return cls(name, world, view, Reporters(view, arrays))

    @property
    def nodes(self) -> list[str]:
        """The world's names of what the view shows, in its order."""
        nodes = list(self.world.visible_nodes)
        _random().shuffle(nodes)
        return nodes


def _random() -> np.random.Generator:
    """By which worlds are shown: the order of nodes is the first that is drawn from it."""
    return np.random.default_rng(0)


def asked_of(measure: str) -> Iterator[Asked]:
    """The worlds in which reporters may differ by a measure, each with at most about MOST of them."""
    for name in EDITED if measure == "intervention_error" else KIN if measure in OF_KIN else WORLDS:
        seat = _seat(name)
        every = list(references(seat).values())
        yield Asked.of(name, seat.case.world, every[:: max(1, len(every) // MOST)], measure)


def _seat(world: str) -> Seat:
    if world not in EDITED:
        return control_seat(world)
    made = EDITED[world]()
    named = {**made.named_simulators, **made.reporters}
    return Seat(Case(made, bad={n: r for n, r in named.items() if r.cone <= set(made.readable_nodes)}))


def _estimated(name: str, given: Given, view: View, reporters: Reporters) -> np.ndarray:
    """The measure of truth tables as a learned world would estimate it."""
    nodes = len(view.nodes)

    def on(x: Tensor) -> Tensor:
        bits = (x[..., :nodes] > 0.5).to(torch.int8).reshape(-1, nodes)
        answers = torch.from_numpy(reporters.on(bits.numpy()))
        return answers.reshape(len(answers), *x.shape[:-1], -1)

    reads = torch.zeros(len(reporters), nodes + WIDE)
    for node in range(nodes):
        reads[torch.from_numpy(reporters.reading(np.arange(nodes) == node)), node] = 1
    net = as_net(view, WIDE if name in MEASURES else 0, kin=name in OF_KIN)
    values = []
    for batch in batches(net):
        tables = _Tables(batch, on)
        if len(net.nodes) > FLIPPED:
            tables.sure = sure(reads)
        values.append(getattr(batch, name)(tables, *given[0], **dict(given[1])).values)
    return np.asarray(torch.stack(values).mean(0).numpy())


def batches(net: NetView, *candidates: int) -> Iterator[NetView]:
    """What a measure is averaged over; candidates: how many, if each is to have draws of its own."""
    random = torch.Generator().manual_seed(0)
    for _ in range(DRAWS):
        rows = torch.randint(0, len(net.x), (*candidates, BATCH), generator=random)
        drawn = torch.rand((*candidates, PATTERNS // 2 + 1), generator=random)
        yield net.batch(Draw.of(drawn, rows, torch.rand(TRIED, generator=random)))


class _Tables(NetReporters):
    """Truth tables of the first nodes."""

    @cached_property
    def instances(self) -> Tensor:
        """Of the same rule on the siblings, as the exact measure has it."""
        rules = [rows_of(each, self._view.rows) for each in self._view.rules]
        return torch.stack([self.answers, *map(self.on, rules)], dim=1)

    @cached_property
    def moved(self) -> Tensor:
        """As others are, but that all nodes which any of them reads are flipped for all of them."""
        which, _ = self.flips
        moved = self.changed(torch.arange(len(self._view.nodes) - WIDE))
        moved = torch.nn.functional.pad(moved, (0, 0, 0, WIDE))
        return moved.gather(2, which[:, None, :, None].expand(-1, moved.shape[1], -1, moved.shape[3]))


def as_net(view: View, wide: int, *, kin: bool = False) -> NetView:
    """Situations of an exact world as they are drawn, their bits as activations, and beside them noise.

    kin: with its siblings. What never varies is no coin then, as it is by this that they differ.
    """
    rng = np.random.default_rng(0)
    drawn = rng.choice(len(view.weights), ROWS, p=view.weights)
    rows = view.bits[0][drawn].astype(np.float64)
    still = (np.ptp(rows, axis=0) == 0) & (not kin)
    rows[:, still] = rng.integers(2, size=(ROWS, int(still.sum())))
    rows[:, ::2] += NOISE * rng.normal(size=rows[:, ::2].shape)
    rows = np.concatenate([rows, rng.normal(size=(ROWS, wide))], axis=1)
    shown = [k in ("pixel", "action") for k in view.kinds] + [False] * wide
    named = [*view.nodes, *(f"noise {k}" for k in range(wide))]
    meta = {
        "questions": view.questions, "nodes": named, "kinds": [*view.kinds, *["latent"] * wide],
        "listed": view.listed, "levels": list(view.humans), "processes": list(view.data),
    }  # fmt: skip
    said = {
        "layer": np.array(shown, np.int64),
        **{f"human_{n}": p[drawn] for n, p in view.humans.items()},
        **{f"inside_{n}": (p.weights > 0)[drawn] for n, p in view.data.items()},
        **{f"labels_{n}": p.labels[drawn] for n, p in view.data.items()},
        **(_patched(view, drawn, rows) if len(view.edits) and not kin else {}),
    }
    net = NetView(meta, {"x": rows.astype(np.float32), **said})
    if kin:
        noise = rows - view.bits[0][drawn]
        net.frame = Frame.of(np.arange(len(named)), np.zeros(len(named), np.float32), np.ones(len(named), np.float32))
        others = [(each[drawn] + noise).astype(np.float32) for each in view.bits[1:]]
        net.siblings = tuple(NetView(meta, {"x": x, **said}) for x in others)
        for each in net.siblings:
            each.frame = net.frame
        net.rules = [torch.from_numpy((b[drawn] + noise).astype(np.float32)) for b in view.instance_bits[1:]]  # type: ignore[attr-defined]
    return net


def _patched(view: View, drawn: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The roll-forward of all situations, as `judge.shown` sends it, with the noise that their activations have."""
    wide = rows.shape[1] - len(view.nodes)
    noise = rows - np.pad(view.bits[0][drawn], ((0, 0), (0, wide)))
    edited = view.edited[:, drawn].swapaxes(0, 1)
    after = np.pad(edited, ((0, 0), (0, 0), (0, wide)))
    return {
        "patched_rows": np.arange(len(drawn)), "patched_place": np.arange(len(view.edits)),
        "patched_sets": np.pad(view.edits, ((0, 0), (0, wide))),
        "patched_after": (after + noise[:, None]).astype(np.float16),
        "patched_sensors": edited[..., [k == "pixel" for k in view.kinds]],
    }  # fmt: skip
