"""The pixel vault as a learned world: films, a predictor trained on them, people who watch the judged frame."""

import hashlib
import importlib.metadata
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elk_sandbox.learned.shelf import kept, place
from elk_sandbox.learned.siblings import Kin, Siblings, stored
from elk_sandbox.learned.sources import Say, Step
from elk_sandbox.learned.world import LearnedWorld, Process, WorldError
from elk_sandbox.runtime.workspace import write
from elk_sandbox.worlds import vault

if TYPE_CHECKING:
    from elk_sandbox.learned.predictor import Predictor

__all__ = ["Knobs", "Vault", "episodes_of", "make", "source"]

MADE_BY = (
    "worlds/vault.py", "learned/vault.py", "learned/predictor.py", "learned/world.py", "learned/patched.py",
    "learned/vault_patches.py", "learned/siblings.py",
)  # fmt: skip
QUESTION = "is the diamond in the vault?"
REROLLED = (101, 102)  # seeds of further first weights; the network's own are of the world's seed
SIBLINGS = (201, 202)  # seeds of sibling predictors, less the world's; with fewer steps they know clearly less
LACKS = {"contrast": "its predictor is shown films and reads no words, so that no answer can be appended"}
BOUNDS = {"seed": (0, 2**31 - 1), "episodes": (400, 100_000), "steps": (1, 100_000)}


@dataclass(frozen=True)
class Knobs:
    """What can be asked of the world, as in "vault:quirky,seed=1"."""

    seed: int = 0
    episodes: int = 10_000  # situations; a quarter is the test
    steps: int = 2800  # of the predictor's training
    quirky: bool = False  # the predictor is told a persona and answers

    @classmethod
    def of(cls, rest: str) -> "Knobs":
        """Raises WorldError in one line for what is no knob or out of bounds."""
        found: dict[str, Any] = {}
        for word in filter(None, (part.strip() for part in rest.split(","))):
            name, equals, value = word.partition("=")
            known = {field.name for field in fields(cls)}
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else "there are quirky, seed=, episodes= and steps="
                raise WorldError(f"the vault has no {name!r}; {hint}")
            if name == "quirky":
                if equals:
                    raise WorldError(f"quirky stands alone, as in vault:quirky,seed=1; not {word!r}")
                found[name] = True
                continue
            least, most = BOUNDS[name]
            if not value.isdecimal() or not least <= int(value) <= most:
                raise WorldError(
                    f"{name} is a whole number from {least} to {most}, as in {name}={least}; not {value!r}"
                )
            found[name] = int(value)
        return cls(**found)

    @property
    def name(self) -> str:
        """The name of the world: what differs from the defaults."""
        words = ["quirky"] if self.quirky else []
        words += [f"{n}={getattr(self, n)}" for n in BOUNDS if getattr(self, n) != getattr(Knobs(), n)]
        return ":".join(filter(None, ["vault", ",".join(words)]))

    @property
    def streams(self) -> list[np.random.Generator]:
        """Of the world's episodes, of the predictor's, and of who is asked as whom."""
        return [np.random.default_rng(seed) for seed in np.random.SeedSequence(self.seed).spawn(3)]


@dataclass(frozen=True)
class Vault:
    """The source of the worlds called vault; `learned.sources` finds it."""

    def world(self, rest: str, home: Path, say: Say) -> LearnedWorld:
        """From the workspace, made and kept there if it is not yet; one process makes, others wait for it."""
        knobs = Knobs.of(rest)

        def making(folder: Path) -> LearnedWorld:
            made, net = make(knobs, say)
            write(folder / "predictor.safetensors", weights(net))
            return made

        return kept(home, knobs.name, self.digest(rest, home), making, say)

    def kin(self, rest: str, home: Path) -> Kin:
        """Networks that learned from other first weights and other episodes; trained when they are first asked for."""
        digest = self.digest(rest, home)
        folder = place(home, Knobs.of(rest).name, digest)
        return Kin(digest, lambda say: stored(folder, digest, lambda: siblings(Knobs.of(rest), say), say))

    def along(self, rest: str, home: Path) -> Sequence[Step]:
        """Raises WorldError: it is one world."""
        raise WorldError(f"vault{':' * bool(rest)}{rest} is one world and no sequence; --along takes run:NAME")

    def listed(self, home: Path) -> Sequence[str]:
        """The vault as it is, and the one with personas."""
        return ["vault", "vault:quirky"]

    def digest(self, rest: str, home: Path) -> str:
        """Of the knobs, of the code that makes the world, and of the libraries that it computes with."""
        root = Path(__file__).parents[1]
        made_by = {file: hashlib.sha256((root / file).read_bytes()).hexdigest() for file in MADE_BY}
        versions = {name: importlib.metadata.version(name) for name in ("numpy", "torch", "scikit-learn")}
        said = json.dumps([asdict(Knobs.of(rest)), made_by, versions], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()

    def folder(self, rest: str, home: Path) -> Path:
        """Where the world is kept."""
        return place(home, Knobs.of(rest).name, self.digest(rest, home))


source = Vault()


def episodes_of(knobs: Knobs) -> vault.Episodes:
    """The situations of the world, with their films; what is drawn does not depend on the training."""
    return vault.draw(knobs.episodes, knobs.streams[0])


def make(knobs: Knobs, say: Say) -> tuple[LearnedWorld, "Predictor"]:
    """Film, train, look into the network."""
    from elk_sandbox.learned.threads import one_thread

    with one_thread():
        return _make(knobs, say)


def _make(knobs: Knobs, say: Say) -> tuple[LearnedWorld, "Predictor"]:
    from elk_sandbox.learned.predictor import Settings, batch_of, fresh, layers_of, spoken_by, train
    from elk_sandbox.learned.vault_patches import patched

    began = time.perf_counter()
    episodes, (_, training, asking) = episodes_of(knobs), knobs.streams
    settings = Settings(knobs.seed, knobs.steps, quirky=knobs.quirky)
    persona = _asked_as(knobs, asking, len(episodes))
    net, losses = train(settings, training, _within(say, 0.0, 0.95))
    seconds = time.perf_counter() - began
    say("looking into the network", 0.96)
    batch = batch_of(episodes, persona)
    layers = layers_of(net, batch, quirky=knobs.quirky)
    first = [settings, *(replace(settings, seed=settings.seed + each) for each in REROLLED)]
    untrained, *rerolled = (layers_of(fresh(each), batch, quirky=knobs.quirky) for each in first)
    about = {
        "knobs": asdict(knobs), "training": asdict(settings), "loss": losses,
        "seconds": {"training": round(seconds, 1)},
        "trained on": f"{knobs.steps * settings.batch} other episodes, drawn alike",
    }  # fmt: skip
    spoken = spoken_by(net, batch) if knobs.quirky else None
    world = _world(knobs, episodes, layers, untrained, persona, spoken, about)
    say("patching the network", 0.98)
    return replace(world, rerolled=tuple(rerolled), patched=patched(net, batch, world.test, quirky=knobs.quirky)), net


def _asked_as(knobs: Knobs, asking: np.random.Generator, count: int) -> np.ndarray | None:
    """The persona of each episode, in the quirky vault."""
    return asking.integers(0, 2, count).astype(np.int8) if knobs.quirky else None


def siblings(knobs: Knobs, say: Say) -> Siblings:
    """What networks of other seeds compute in the world's episodes."""
    from elk_sandbox.learned.predictor import Settings, batch_of, layers_of, train
    from elk_sandbox.learned.threads import one_thread

    with one_thread():
        episodes, asking = episodes_of(knobs), knobs.streams[2]
        persona = _asked_as(knobs, asking, len(episodes))
        batch, found = batch_of(episodes, persona), {}
        for k, each in enumerate(SIBLINGS):
            settings = Settings(knobs.seed + each, knobs.steps, quirky=knobs.quirky)
            within = _within(say, k / len(SIBLINGS), (k + 1) / len(SIBLINGS))
            net, _ = train(settings, np.random.default_rng([knobs.seed, each]), within)
            found[f"seed {knobs.seed + each}"] = layers_of(net, batch, quirky=knobs.quirky)
    return found


def _world(
    knobs: Knobs,
    episodes: vault.Episodes,
    layers: dict[str, np.ndarray],
    untrained: dict[str, np.ndarray],
    persona: np.ndarray | None,
    spoken: np.ndarray | None,
    about: dict[str, Any],
) -> LearnedWorld:
    story, count = episodes.story, len(episodes)
    humans = {"viewer": vault.viewer(episodes.frames), "operator": vault.operator(episodes)}
    honest = story.kind == vault.KINDS.index("honest")
    known = honest | np.isin(story.kind, [vault.KINDS.index(kind) for kind in vault.KNOWN])
    return LearnedWorld(
        name=knobs.name,
        question=QUESTION,
        layers=layers,
        untrained=untrained,
        inputs=_seen(episodes, persona),
        humans=humans,
        truth=story.truth,
        kinds=vault.KINDS,
        kind=story.kind.astype(np.int16),
        data={name: _labelled(name, humans, inside) for name, inside in (("viewer", honest), ("operator", known))},
        test=np.arange(count) >= count - count // 4,
        sensors=vault.readings(episodes.frames[:, vault.JUDGED]),
        persona=persona,
        spoken=spoken,
        hard=~vault.easy(story),
        words=dict(vault.WORDS),
        lacks=LACKS if knobs.quirky else {**LACKS, "persona": "only vault:quirky asks its predictor in two roles"},
        about=about,
    )


def _labelled(who: str, humans: dict[str, np.ndarray], inside: np.ndarray) -> Process:
    return Process(who, inside, np.where(inside, humans[who] > 0.5, -1).astype(np.int8))


def _seen(episodes: vault.Episodes, persona: np.ndarray | None) -> np.ndarray:
    """All that the predictor is given before it predicts the judged frame, as 0 and 1."""
    seen = episodes.frames[:, : vault.JUDGED].reshape(len(episodes), -1)
    acts = np.eye(len(vault.ACTIONS))[episodes.story.actions[:, : vault.JUDGED]].reshape(len(episodes), -1)
    asked = [] if persona is None else [persona[:, None]]
    return np.concatenate([seen, acts, *asked], axis=1).astype(np.float32)


def weights(net: "Predictor") -> bytes:
    """As a safetensors file."""
    from safetensors.torch import save

    return save({name: value.contiguous() for name, value in net.state_dict().items()})


def predictor(folder: Path) -> "Predictor":
    """The trained network of a world that is kept there. Raises WorldError."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    from elk_sandbox.learned.predictor import Settings, fresh

    file = folder / "predictor.safetensors"
    try:
        kept = load(file.read_bytes())
        net = fresh(Settings())
        net.load_state_dict(kept)
    except (OSError, SafetensorError, RuntimeError) as reason:
        raise WorldError(f"{file} cannot be read as the vault's predictor: {reason}; delete its folder") from None
    return net


def _within(say: Say, low: float, high: float) -> Callable[[str, float], None]:
    return lambda words, share: say(words, low + (high - low) * share)
