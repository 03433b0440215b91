"""The lab's networks as learned worlds, offered through the entry point group `elk_sandbox.worlds`.

`run:NAME`, `run:NAME@STEP`, either with ",own" behind it: a checkpoint of a run of the workspace. `hf:FOLDER`: a
transformers model folder. A world is kept in the workspace under what it is known by, so that what changes is read
anew. No PyTorch is loaded before one is made.
"""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

from elk_sandbox.learned.shelf import kept, place
from elk_sandbox.learned.siblings import Kin, Siblings, stored
from elk_sandbox.learned.sources import Say, Step
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.runtime.run import Run
from elk_sandbox.terminal import InputError
from rlhf_lab.checkpoint_choice import OWN, asked, choose, code, models, opened, relatives, version
from rlhf_lab.evaluated import load_evaluation
from rlhf_lab.runs import has_moved, marks

__all__ = ["Folders", "Runs", "folders", "runs"]


class Runs:
    """The checkpoints of the workspace's runs."""

    def world(self, rest: str, home: Path, say: Say) -> LearnedWorld:
        """Kept or made, in seconds. Raises WorldError in one line."""
        try:
            with opened(home) as store:
                chosen = choose(store, home, rest)

            def make(folder: Path) -> LearnedWorld:
                from rlhf_lab.checkpoint_world import made

                return made(chosen, say)

            return kept(home, chosen.name, chosen.digest, make, say)
        except InputError as reason:
            raise WorldError(str(reason)) from None

    def kin(self, rest: str, home: Path) -> Kin:
        """Other checkpoints of the run: see `checkpoint_choice.relatives`. Raises WorldError where there are none."""
        try:
            with opened(home) as store:
                chosen = choose(store, home, rest)
                others = relatives(store, home, chosen)
        except InputError as reason:
            raise WorldError(str(reason)) from None
        checks = [chosen.digest, *(each.digest for each in others)]
        digest = hashlib.sha256(" ".join(checks).encode()).hexdigest()
        folder = place(home, chosen.name, chosen.digest)

        def make(say: Say) -> Siblings:
            from rlhf_lab.checkpoint_world import siblings

            try:
                return siblings(chosen, others, say)
            except InputError as reason:
                raise WorldError(str(reason)) from None

        return Kin(digest, lambda say: stored(folder, digest, lambda: make(say), say))

    def along(self, rest: str, home: Path) -> Sequence[Step]:
        """The checkpoints of a ppo run in order, with what its evaluation says of each. Raises WorldError."""
        name, step, own = asked(rest)
        if step is not None:
            raise WorldError(f"a curve is of a whole run: say run:{name}, without @{step}")
        try:
            with opened(home) as store:
                run = Run(store, home, store.run(name))
                if run.kind != "ppo":
                    raise WorldError(f"{name!r} is a {run.kind} run, which has one model: a curve is of a ppo run")
                found = [at for at, _ in models(run)]
                nats = dict(marks(run))
            seen = _evaluated(run)
        except InputError as reason:
            raise WorldError(str(reason)) from None
        unknown = math.nan, math.nan
        steps = []
        for at in found:
            kl, proxy, gold = seen.get(at, (nats[at], *unknown))
            steps.append(Step(f"run:{name}@{at}{OWN if own else ''}", at, kl, proxy, gold))
        return steps

    def listed(self, home: Path) -> Sequence[str]:
        """The ppo runs, newest first, that have more than their first model; each also on what it writes itself."""
        try:
            with opened(home) as store:
                names = [f"run:{row.name}" for row in reversed(store.runs("ppo")) if has_moved(Run(store, home, row))]
                return [name + own for name in names for own in ("", OWN)]
        except InputError:
            return []

    def digest(self, rest: str, home: Path) -> str:
        """Changes with the checkpoint, with who judges, and with the code that makes the world."""
        try:
            with opened(home) as store:
                return choose(store, home, rest).digest
        except InputError as reason:
            raise WorldError(str(reason)) from None


class Folders:
    """Model folders of transformers; see `folder_world`."""

    def world(self, rest: str, home: Path, say: Say) -> LearnedWorld:
        """Kept or made. Raises WorldError in one line."""
        digest = self.digest(rest, home)

        def make(kept_at: Path) -> LearnedWorld:
            from rlhf_lab.folder_world import made

            return made(Path(rest).expanduser(), f"hf:{rest}", say)

        return kept(home, f"hf:{rest}", digest, make, say)

    def along(self, rest: str, home: Path) -> Sequence[Step]:
        """Raises WorldError: a folder holds one model."""
        raise WorldError(f"hf:{rest} is one model: a curve is of a ppo run, run:NAME")

    def listed(self, home: Path) -> Sequence[str]:
        """None: folders are named by who has them."""
        return []

    def digest(self, rest: str, home: Path) -> str:
        """The SHA-256 of the folder's configuration, tokenizer and weights, of the code and of its libraries."""
        folder = Path(rest).expanduser()
        weights = sorted(folder.glob("*.safetensors"))
        files = [folder / "config.json", folder / "tokenizer.json", *weights]
        if missing := [file.name for file in files if not file.is_file()] + ["*.safetensors"] * (not weights):
            raise WorldError(
                f"{folder} is no transformers model folder with {missing[0]}: name one with config.json, "
                "tokenizer.json and model.safetensors"
            )
        whole = hashlib.sha256(f"{rest} {code()} {version('transformers')}".encode())
        for file in files:
            with file.open("rb") as content:
                whole.update(hashlib.file_digest(content, "sha256").digest())
        return whole.hexdigest()


def _evaluated(run: Run) -> dict[int, tuple[float, float, float]]:
    """KL in nats, mean proxy and mean gold of the checkpoints that a kept evaluation saw."""
    if not (run.folder / "evaluation").is_dir():
        return {}
    curve = load_evaluation(run.folder / "evaluation").curve
    rows = zip(curve.steps.tolist(), curve.nats, curve.proxy.mean(1), curve.gold.mean(1), strict=True)
    return {at: (float(kl), float(proxy), float(gold)) for at, kl, proxy, gold in rows}


runs, folders = Runs(), Folders()
