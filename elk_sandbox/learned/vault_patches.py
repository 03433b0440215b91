"""Edits of the vault's predictor: a part of its state is another episode's, and it goes on from there.

A place is a layer, or one column of it, with all that it holds of that stretch of wall; of the prediction what one
camera's column, a sensor or several show. Later states and the judged frame are computed anew from the episode's own
later frames; what is seen then is read off the frame as people read one.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from elk_sandbox.learned.patched import Patched, drawn
from elk_sandbox.learned.predictor import SEEN, Batch, Predictor
from elk_sandbox.worlds import vault

__all__ = ["patched"]

WIDE = vault.COLUMNS


@torch.no_grad()
def patched(net: Predictor, batch: Batch, test: np.ndarray, *, quirky: bool = False) -> Patched:
    """The table for a world of these episodes; nodes as in `predictor.layers_of`."""
    rows, donors = drawn(test)
    mine, others = _run(net, _some(batch, rows), quirky), _run(net, _some(batch, donors.reshape(-1)), quirky)
    others = {name: units.reshape(*donors.shape, *units.shape[1:]) for name, units in others.items()}
    count = donors.shape[1]
    own = {name: units[:, None].expand(-1, count, *units.shape[1:]) for name, units in mine.items()}
    names = [name for name in mine if name != "given"]
    places, sets, after, sensors = [], [], [], []
    for place, layer, units in _places(names, mine):
        changed = _changed(net, own, layer, torch.where(units, others[layer], own[layer]), quirky)
        frame = changed[names[-1]]
        places.append(place)
        sets.append(
            torch.cat(
                [(units if n == layer else torch.zeros_like(mine[n][0], dtype=torch.bool)).flatten() for n in names]
            )
        )
        after.append(torch.cat([changed[n].flatten(2) for n in names], -1).half())
        seen = vault.readings(frame.flatten(0, 1).byte().numpy())
        sensors.append(seen.reshape(len(rows), count, -1))
    return Patched(
        rows=rows,
        places=tuple(places),
        sets=torch.stack(sets).numpy(),
        place=np.repeat(np.arange(len(places), dtype=np.int16), count),
        after=torch.cat(after, 1).numpy(),
        sensors=np.concatenate(sensors, 1),
    )


def _some(batch: Batch, rows: np.ndarray) -> Batch:
    which = torch.from_numpy(rows).long()
    return Batch(batch.columns[which], batch.shared[which], batch.frames[which])


def _run(net: Predictor, batch: Batch, quirky: bool) -> dict[str, Tensor]:
    """The layers in their own shapes, and "given": what the frames of the last states tell them."""
    encoded, states = net(batch)
    found = {f"state at {t}": states[:, t] for t in range(SEEN - 2, SEEN)}
    found |= {f"encoder at {SEEN}": encoded[:, SEEN], f"state at {SEEN}": states[:, SEEN]}
    return found | _seen(net, states[:, SEEN], quirky) | {"given": net.read(encoded)}


def _seen(net: Predictor, state: Tensor, quirky: bool) -> dict[str, Tensor]:
    """What is computed from the last state [*batch, column, unit]."""
    flat = state.flatten(0, -3)
    frame = (net.predicted(flat[:, None])[0, :, 0] > 0).float()
    found = {"words": torch.relu(net.words(flat.mean(1)))} if quirky else {}
    found[f"frame {vault.JUDGED}"] = frame
    return {name: units.reshape(*state.shape[:-2], *units.shape[1:]) for name, units in found.items()}


def _changed(net: Predictor, own: dict[str, Tensor], layer: str, units: Tensor, quirky: bool) -> dict[str, Tensor]:
    """All layers [situation, donor, ...] once one of them holds these units and the later ones have followed."""
    found = own | {layer: units}
    last = f"state at {SEEN}"
    if layer.startswith("frame") or layer == "words":
        return found
    if layer != last:
        given = own["given"]
        start = SEEN - 1 if layer.startswith("encoder") else int(layer.rpartition(" ")[2])
        state = found[f"state at {start}"]
        for t in range(start + 1, SEEN + 1):
            told = net.read(units) if layer.startswith("encoder") else given[:, :, t]
            state = net.step(told.flatten(0, 1), state.flatten(0, 1)).reshape(state.shape)
            found[f"state at {t}"] = state
    return found | _seen(net, found[last], quirky)


def _places(names: list[str], mine: dict[str, Tensor]) -> Iterator[tuple[str, str, Tensor]]:
    """Each place: its name, the layer that it is in, and which of that layer's units it sets."""
    for name in names[:-1]:
        units = torch.zeros_like(mine[name][0], dtype=torch.bool)
        yield name, name, ~units
        for column in range(WIDE if len(units.shape) > 1 else 0):
            one = units.clone()
            one[column] = True
            yield f"{name}, column {column}", name, one
    frame = names[-1]
    units = torch.zeros_like(mine[frame][0], dtype=torch.bool)
    for column in range(WIDE):
        one = units.clone()
        one[:, column] = True
        yield f"{frame}, column {column} of the camera", frame, one
    shown = {name: units.clone() for name in vault.SENSORS}
    shown["camera"][:, :WIDE] = True
    for name, (row, column) in vault.LAMPS.items():
        shown[name][row, column] = True
    for size in range(1, len(shown) + 1):
        for some in combinations(shown, size):
            yield f"{frame}, {' and '.join(some)}", frame, torch.stack([shown[name] for name in some]).any(0)
    yield frame, frame, ~units
