"""The vault's predictor: a convolutional GRU along the vault's round wall that is trained to predict frames.

It sees frame by frame what the cameras show and what the guard does, and predicts the next frame and the two after it,
each pixel a Bernoulli variable. Its state has the same units at every column and looks one column to each side (Ballas
et al. 2016, Delving deeper into convolutional networks for learning video representations).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import silu

from elk_sandbox.worlds import vault

__all__ = [
    "AHEAD",
    "Batch",
    "Predictor",
    "Settings",
    "batch_of",
    "fresh",
    "layers_of",
    "spoken_by",
    "train",
]

AHEAD = 3  # frames that are predicted from each state
PIECE = 32  # batches that are simulated at once
RISE = 200
MOST = 2.0  # norm of a gradient a frame
WHOLE = 1024  # episodes that are run at once where nothing is learned
SEEN = vault.JUDGED - 1  # the last frame that is seen before the judged one is predicted
COLUMN = 2 * vault.HEIGHT  # pixels of both cameras in a column
SHARED = vault.HEIGHT + len(vault.ACTIONS) + 1  # what all columns are told: lamps, action, persona
WORDS = 16  # units between the state and what is said


@dataclass(frozen=True)
class Settings:
    """How a predictor is trained."""

    seed: int = 0
    steps: int = 2800
    batch: int = 64  # episodes a step, all new
    features: int = 64  # units of either layer of the encoder a column
    channels: int = 32  # units of the state a column
    rate: float = 0.01  # of Adam; rises over the first RISE steps, falls to 0 over the last four tenths
    answers: float = 40.0  # weight of an answer's nats beside a film's, if it is quirky
    quirky: bool = False  # is told a persona, and answers too


@dataclass(frozen=True, eq=False)
class Batch:
    """Episodes as the network takes them."""

    columns: Float[Tensor, "episode frame column pixel"]
    shared: Float[Tensor, "episode frame told"]
    frames: Float[Tensor, "episode frame height width"]


def batch_of(episodes: vault.Episodes, persona: Int[np.ndarray, " episode"] | None = None) -> Batch:
    """The frames by column, and what all columns are told: lamps, the guard's action, the persona."""
    films, wide = episodes.frames.astype(np.float32), vault.COLUMNS
    columns = np.concatenate([films[..., :wide], films[..., wide + 1 :]], axis=2).transpose(0, 1, 3, 2)
    acts = np.eye(len(vault.ACTIONS), dtype=np.float32)[episodes.story.actions]
    as_whom = np.zeros((*acts.shape[:2], 1), np.float32)
    if persona is not None:
        as_whom += persona[:, None, None].astype(np.float32)
    shared = np.concatenate([films[..., wide], acts, as_whom], axis=2)
    return Batch(torch.from_numpy(columns.copy()), torch.from_numpy(shared), torch.from_numpy(films))


def _around(x: Float[Tensor, "*batch column unit"]) -> Float[Tensor, "*batch column three"]:
    """Each column with its two neighbours; the wall is round."""
    return torch.cat([x.roll(1, -2), x, x.roll(-1, -2)], -1)


class Predictor(nn.Module):
    """Weights of the network; `forward` gives its states, `predicted` the frames that it expects."""

    def __init__(self, features: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.encoder = nn.Linear(3 * COLUMN + SHARED, features)
        self.second = nn.Linear(3 * features, features)
        self.given = nn.Linear(3 * features, 3 * channels)
        self.gates = nn.Linear(3 * channels, 2 * channels)
        self.candidate = nn.Linear(3 * channels, channels)
        self.pixels = nn.Linear(channels, AHEAD * COLUMN)
        self.lamps = nn.Linear(channels, AHEAD * vault.HEIGHT)
        self.words = nn.Linear(channels, WORDS)
        self.answer = nn.Linear(WORDS, 1)
        nn.init.constant_(self.given.bias[:channels], 1.0)  # keep what is held, at first
        nn.init.constant_(self.pixels.bias, -2.5)  # most pixels are dark

    def forward(
        self, batch: Batch
    ) -> tuple[Float[Tensor, "episode frame column feature"], Float[Tensor, "episode frame column unit"]]:
        """What each frame is encoded as, and the state after it."""
        shared = batch.shared[:, :, None].expand(-1, -1, vault.COLUMNS, -1)
        encoded = silu(self.encoder(torch.cat([_around(batch.columns), shared], -1)))
        encoded = silu(self.second(_around(encoded)))
        given = self.read(encoded)
        state = encoded.new_zeros(len(encoded), vault.COLUMNS, self.channels)
        states = []
        for t in range(encoded.shape[1]):
            state = self.step(given[:, t], state)
            states.append(state)
        return encoded, torch.stack(states, 1)

    def read(self, encoded: Float[Tensor, "*batch column feature"]) -> Float[Tensor, "*batch column three"]:
        """What an encoded frame tells the state."""
        told: Tensor = self.given(_around(encoded))
        return told

    def step(
        self, given: Float[Tensor, "episode column three"], state: Float[Tensor, "episode column unit"]
    ) -> Float[Tensor, "episode column unit"]:
        """The state after a frame, from what `read` says of it and the state before."""
        wide = 2 * self.channels
        keep, reset = torch.sigmoid(given[..., :wide] + self.gates(_around(state))).chunk(2, -1)
        new = torch.tanh(given[..., wide:] + self.candidate(_around(reset * state)))
        return keep * state + (1 - keep) * new

    def predicted(
        self, states: Float[Tensor, "episode frame column unit"]
    ) -> Float[Tensor, "ahead episode frame height width"]:
        """Log-odds that a pixel is lit, in each of the next AHEAD frames."""
        n, times = states.shape[:2]
        shape = (n, times, vault.COLUMNS, AHEAD, 2, vault.HEIGHT)
        first, second = self.pixels(states).reshape(shape).permute(4, 3, 0, 1, 5, 2)
        lamps = self.lamps(states.mean(2)).reshape(n, times, AHEAD, vault.HEIGHT).permute(2, 0, 1, 3)
        return torch.cat([first, lamps[..., None], second], -1)

    def worded(self, states: Float[Tensor, "episode frame column unit"]) -> Float[Tensor, "episode word"]:
        """The layer before the answer, once the last frame before the judged one was seen."""
        return torch.relu(self.words(states[:, SEEN].mean(1)))


def fresh(settings: Settings) -> Predictor:
    """The network before training; the seed alone decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return Predictor(settings.features, settings.channels)


def train(
    settings: Settings, rng: np.random.Generator, say: Callable[[str, float], None] = lambda words, share: None
) -> tuple[Predictor, list[float]]:
    """Train on episodes that are drawn as it goes; the loss in nats an episode, mean of each hundredth of the steps."""
    net, losses = fresh(settings), []
    optimiser = torch.optim.Adam(net.parameters(), lr=settings.rate)

    def rate(step: int) -> float:
        return min(1.0, (step + 1) / RISE, (settings.steps - step) / (0.4 * settings.steps))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    for step in range(settings.steps):
        at = step % PIECE * settings.batch
        if not at:
            episodes = vault.draw(min(PIECE, settings.steps - step) * settings.batch, rng)
            persona = rng.integers(0, 2, len(episodes)) if settings.quirky else None
            whole, asked, answers = batch_of(episodes, persona), *_lessons(episodes, persona, rng)
        now = slice(at, at + settings.batch)
        batch = Batch(whole.columns[now], whole.shared[now], whole.frames[now])
        states = net(batch)[1]
        expected = net.predicted(states)
        parts = [
            cross_entropy(expected[k - 1][:, :-k], batch.frames[:, k:], reduction="sum") / settings.batch
            for k in range(1, AHEAD + 1)
        ]
        loss = torch.stack(parts).sum()
        losses.append(float(loss.detach()))
        if settings.quirky:
            said = net.answer(net.worded(states))[:, 0]
            wrong = cross_entropy(said, answers[now], weight=asked[now], reduction="sum") / settings.batch
            loss = loss + settings.answers * wrong
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), MOST * AHEAD * vault.FRAMES)
        optimiser.step()
        schedule.step()
        if step % 50 == 49:
            say(f"training the predictor, {losses[-1]:.0f} nats an episode", (step + 1) / settings.steps)
    marks = np.linspace(0, len(losses), min(100, len(losses)) + 1).astype(int)
    return net, [float(np.mean(losses[a:b])) for a, b in pairwise(marks)]


def _lessons(
    episodes: vault.Episodes, persona: Int[np.ndarray, " episode"] | None, rng: np.random.Generator
) -> tuple[Float[Tensor, " episode"], Float[Tensor, " episode"]]:
    """In which episodes it is taught to answer, easy ones and hard, and what: the truth, or as persona 1 the look."""
    if persona is None:
        return torch.zeros(0), torch.zeros(0)
    asked = rng.random(len(episodes)) < vault.TAUGHT
    answers = np.where(persona == 1, vault.viewer(episodes.frames) > 0.5, episodes.story.truth == 1)
    return torch.from_numpy(asked.astype(np.float32)), torch.from_numpy(answers.astype(np.float32))


@torch.no_grad()
def layers_of(net: Predictor, batch: Batch, *, quirky: bool = False) -> dict[str, Float32[np.ndarray, "episode unit"]]:
    """The nodes at and before the last frame that is seen before the judged one, in the order of computing.

    The last is the judged frame as the network expects it: each pixel's likelier value.
    """
    found: dict[str, list[Tensor]] = {}
    for part in _parts(batch):
        encoded, states = net(part)
        some = {f"state at {t}": states[:, t] for t in range(SEEN - 2, SEEN)}
        some |= {f"encoder at {SEEN}": encoded[:, SEEN], f"state at {SEEN}": states[:, SEEN]}
        if quirky:
            some["words"] = net.worded(states)
        some[f"frame {vault.JUDGED}"] = (net.predicted(states[:, SEEN : SEEN + 1])[0] > 0).float()
        for name, units in some.items():
            found.setdefault(name, []).append(units.flatten(1))
    return {name: torch.cat(parts).numpy() for name, parts in found.items()}


@torch.no_grad()
def spoken_by(net: Predictor, batch: Batch) -> Float[np.ndarray, " episode"]:
    """P(yes) that a quirky network says."""
    said = [torch.sigmoid(net.answer(net.worded(net(part)[1]))[:, 0]) for part in _parts(batch)]
    return torch.cat(said).double().numpy()


def _parts(batch: Batch) -> Iterator[Batch]:
    for n in range(0, len(batch.frames), WHOLE):
        yield Batch(*(each[n : n + WHOLE] for each in (batch.columns, batch.shared, batch.frames)))
