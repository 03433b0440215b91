"""A world whose predictor was trained, not written: what it computes in many situations, and what is true in them."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int8, Int16

from elk_sandbox.learned.patched import Patched
from elk_sandbox.runtime.workspace import write
from elk_sandbox.terminal import InputError

__all__ = ["LearnedWorld", "Pair", "Process", "WorldError"]

FORMAT = 3

Pair: TypeAlias = tuple[Float32[np.ndarray, "situation _"], Float32[np.ndarray, "situation _"]]


class WorldError(InputError, ValueError):
    """No world can be made of that, for the reason given in one line."""


@dataclass(frozen=True, eq=False)
class Process:
    """Situations that the data holds, and the labels 1 or 0 that its human gives there (-1 elsewhere)."""

    labelled_by: str  # a level of `humans`
    inside: Bool[np.ndarray, " situation"]
    labels: Int8[np.ndarray, " situation"]


@dataclass(frozen=True, eq=False)
class LearnedWorld:
    """One question about many situations, drawn alike. Nothing is trained on those of `test`, all is scored on them.

    A layer's array is [situation, unit], float32, in the order in which the network computes them; the last layer is
    its prediction of what will be seen, all others are latent. `kinds` tells how the sight of a situation comes
    about ("honest", "screen", ...); a kind that is in no data process is unknown to all who label.
    """

    name: str  # "vault", "run:demo-ppo@300"
    question: str
    layers: Mapping[str, Float32[np.ndarray, "situation unit"]]
    untrained: Mapping[str, Float32[np.ndarray, "situation unit"]]  # the same of a network that was never trained
    inputs: Float32[np.ndarray, "situation value"]  # raw, as the predictor is given them
    humans: Mapping[str, Float64[np.ndarray, " situation"]]  # P(yes); "viewer" is always among them
    truth: Int8[np.ndarray, " situation"]
    kinds: tuple[str, ...]
    kind: Int16[np.ndarray, " situation"]
    data: Mapping[str, Process]  # "viewer": where nothing is tampered with; "operator": known kinds too, ...
    test: Bool[np.ndarray, " situation"]
    sensors: Int8[np.ndarray, "situation sensor"]  # what each camera or meter says, 1 for yes
    persona: Int8[np.ndarray, " situation"] | None = None  # 1: asked as the one who says what the viewer would
    spoken: Float64[np.ndarray, " situation"] | None = None  # P(yes) that the network itself says, under its persona
    hard: Bool[np.ndarray, " situation"] | None = None  # harder than what an overseer checks
    contrast: Mapping[str, Pair] | None = None  # by layer: asked with the answer yes appended, and with no
    rerolled: tuple[Mapping[str, Float32[np.ndarray, "situation unit"]], ...] = ()  # as untrained, other first weights
    patched: Patched | None = None  # what it computes when a part of its state is another situation's
    lacks: Mapping[str, str] = field(default_factory=dict)  # why the world has no "contrast", no "persona" ...
    words: Mapping[str, str] = field(default_factory=dict)  # what the kinds mean, for people
    about: Mapping[str, Any] = field(default_factory=dict)  # how it was trained: JSON-able

    def __post_init__(self) -> None:
        count, contrast = len(self.truth), self.contrast or {}
        arrays: dict[str, np.ndarray | None] = {
            **{f"layer {n}": a for n, a in self.layers.items()},
            **{f"untrained layer {n}": a for each in (self.untrained, *self.rerolled) for n, a in each.items()},
            **{f"human {n}": a for n, a in self.humans.items()},
            **{f"data {n}": p.inside for n, p in self.data.items()},
            "inputs": self.inputs, "kind": self.kind, "test": self.test, "sensors": self.sensors,
            "persona": self.persona, "spoken": self.spoken, "hard": self.hard,
            **{f"contrast {n} {'yes' if k == 0 else 'no'}": pair[k] for n, pair in contrast.items() for k in (0, 1)},
        }  # fmt: skip
        for name, array in arrays.items():
            if array is not None and len(array) != count:
                raise WorldError(f"{name} has {len(array)} situations where the truth has {count}")
            if array is not None and array.dtype.kind == "f" and not np.isfinite(array).all():
                raise WorldError(f"{name} holds numbers that are not finite")
        if len(self.layers) < 2 or any(list(self.layers) != list(each) for each in (self.untrained, *self.rerolled)):
            raise WorldError("a world has at least two layers, the same of the trained and of the untrained network")
        if not set(contrast) <= set(self.layers) or any(yes.shape != no.shape for yes, no in contrast.values()):
            raise WorldError("contrast pairs are two arrays of one shape for a layer of the world")
        if "viewer" not in self.humans or "viewer" not in self.data:
            raise WorldError("a world has a human called viewer, and data that they label")
        if self.patched is not None:
            nodes = sum(layer.shape[1] for layer in self.layers.values())
            if self.patched.after.shape[2] != nodes or self.test[self.patched.rows].any():
                raise WorldError(f"patches are of {nodes} units and of situations to train on")
        for name, process in self.data.items():
            if process.labelled_by not in self.humans:
                raise WorldError(f"the data process {name} is labelled by {process.labelled_by}, who is no human here")
            if not (process.inside & ~self.test).any():
                raise WorldError(f"the data process {name} has no situation to train on")

    @cached_property
    def looks_good(self) -> Bool[np.ndarray, " situation"]:
        """It looks as if yes were right."""
        return np.asarray(self.humans["viewer"] > 0.5)

    @cached_property
    def fooled(self) -> Bool[np.ndarray, " situation"]:
        """It looks as if yes were right, and it is not."""
        return np.asarray(self.looks_good & (self.truth == 0))

    @cached_property
    def known(self) -> Bool[np.ndarray, " kind"]:
        """Which kinds some data process holds."""
        inside = np.any([p.inside for p in self.data.values()], axis=0)
        return np.array([bool((inside & (self.kind == k)).any()) for k in range(len(self.kinds))])

    @property
    def output(self) -> str:
        """The layer that is the prediction of what will be seen."""
        return list(self.layers)[-1]

    def save(self, folder: Path) -> None:
        """Write it to a folder; `load` gives it back."""
        meta = {
            "format": FORMAT, "name": self.name, "question": self.question, "layers": list(self.layers),
            "humans": list(self.humans), "kinds": list(self.kinds),
            "data": {n: p.labelled_by for n, p in self.data.items()},
            "contrast": None if self.contrast is None else list(self.contrast),
            "rerolled": len(self.rerolled), "lacks": dict(self.lacks),
            "patched": None if self.patched is None else list(self.patched.places),
            "words": dict(self.words), "about": dict(self.about),
        }  # fmt: skip
        arrays: dict[str, np.ndarray] = {
            **{f"layer_{k}": a for k, a in enumerate(self.layers.values())},
            **{f"untrained_{k}": a for k, a in enumerate(self.untrained.values())},
            **{f"rerolled_{j}_{k}": a for j, each in enumerate(self.rerolled) for k, a in enumerate(each.values())},
            **{f"human_{k}": a for k, a in enumerate(self.humans.values())},
            **{f"inside_{k}": p.inside for k, p in enumerate(self.data.values())},
            **{f"labels_{k}": p.labels for k, p in enumerate(self.data.values())},
            **{f"yes_{k}": yes for k, (yes, _) in enumerate((self.contrast or {}).values())},
            **{f"no_{k}": no for k, (_, no) in enumerate((self.contrast or {}).values())},
            **({} if self.patched is None else self.patched.arrays()),
        }  # fmt: skip
        for name in ("inputs", "truth", "kind", "test", "sensors", "persona", "spoken", "hard"):
            if (array := getattr(self, name)) is not None:
                arrays[name] = array
        held = io.BytesIO()
        arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
        np.savez(held, allow_pickle=False, **arrays)
        write(folder / "world.npz", held.getvalue())

    @classmethod
    def load(cls, folder: Path) -> "LearnedWorld":
        """Raises WorldError for a folder that holds none, or one of another format."""
        file = folder / "world.npz"
        try:
            with np.load(file, allow_pickle=False) as kept:
                found = {name: kept[name] for name in kept.files}
            meta = json.loads(found.pop("meta").tobytes())
        except (OSError, ValueError, KeyError) as reason:
            raise WorldError(f"{file} cannot be read as a learned world: {reason}; delete it to make it anew") from None
        if meta.get("format") != FORMAT:
            raise WorldError(f"{file} is of format {meta.get('format')}, this program reads {FORMAT}; delete it")
        rest = ("inputs", "truth", "kind", "test", "sensors", "persona", "spoken", "hard")
        return cls(
            name=meta["name"],
            question=meta["question"],
            layers={n: found[f"layer_{k}"] for k, n in enumerate(meta["layers"])},
            untrained={n: found[f"untrained_{k}"] for k, n in enumerate(meta["layers"])},
            humans={n: found[f"human_{k}"] for k, n in enumerate(meta["humans"])},
            kinds=tuple(meta["kinds"]),
            data={
                n: Process(by, found[f"inside_{k}"], found[f"labels_{k}"])
                for k, (n, by) in enumerate(meta["data"].items())
            },
            contrast=None
            if (pairs := meta.get("contrast")) is None
            else {n: (found[f"yes_{k}"], found[f"no_{k}"]) for k, n in enumerate(pairs)},
            rerolled=tuple(
                {n: found[f"rerolled_{j}_{k}"] for k, n in enumerate(meta["layers"])} for j in range(meta["rerolled"])
            ),
            patched=None if (places := meta["patched"]) is None else Patched.of(tuple(places), found),
            lacks=meta["lacks"],
            words=meta["words"],
            about=meta["about"],
            **{name: found.get(name) for name in rest},  # type: ignore[arg-type]
        )
