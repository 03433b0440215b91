"""The vault's table of edits: each is what the network computes if a part of its state is exchanged on the way."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from elk_sandbox.learned.patched import DONORS, Patched, drawn
from elk_sandbox.learned.predictor import SEEN, Predictor, Settings, batch_of, fresh, layers_of
from elk_sandbox.learned.vault_patches import patched
from elk_sandbox.worlds import vault

Step = Callable[[Tensor, Tensor], Tensor]
COUNT = 40
TEST = np.arange(COUNT) >= 30
EPISODES = vault.draw(COUNT, np.random.default_rng(0))
PERSONA = np.random.default_rng(1).integers(0, 2, COUNT)


def network(quirky: bool) -> Predictor:
    net = fresh(Settings(seed=3, features=6, channels=4, quirky=quirky))
    with torch.no_grad():  # so that it predicts something and heeds its state
        for parameter in net.parameters():
            parameter *= 3
        net.pixels.bias.zero_()
    return net


def nodes(layers: dict[str, np.ndarray]) -> dict[str, slice]:
    ends = np.cumsum([0, *(a.shape[1] for a in layers.values())])
    return {name: slice(ends[k], ends[k + 1]) for k, name in enumerate(layers)}


@pytest.fixture(scope="module", params=[False, True])
def made(request: pytest.FixtureRequest) -> tuple[bool, Predictor, dict[str, np.ndarray], Patched]:
    quirky = request.param
    net, batch = network(quirky), batch_of(EPISODES, PERSONA if quirky else None)
    return quirky, net, layers_of(net, batch, quirky=quirky), patched(net, batch, TEST, quirky=quirky)


def exchanging(plain: Step, sets: Tensor, value: Tensor, t: int) -> Step:
    """The network's steps, of which that of frame t leaves this value where `sets` says."""
    done = 0

    def step(given: Tensor, state: Tensor) -> Tensor:
        nonlocal done
        done += 1
        return torch.where(sets, value, plain(given, state)) if done == t + 1 else plain(given, state)

    return step


def test_each_edit_is_the_network_run_with_that_part_exchanged(
    made: tuple[bool, Predictor, dict[str, np.ndarray], Patched],
) -> None:
    """By exchanging what a step of the network returns while `layers_of` runs."""
    quirky, net, layers, found = made
    batch, where = batch_of(EPISODES, PERSONA if quirky else None), nodes(layers)
    every = np.concatenate(list(layers.values()), axis=1)
    rows, donors = drawn(TEST)
    assert np.array_equal(rows, found.rows)
    place = list(found.places).index
    for name, t in (("state at 4", 4), ("state at 5, column 2", 5), ("state at 6, column 0", 6), ("state at 6", 6)):
        for d in range(DONORS):
            donor = np.arange(COUNT)
            donor[rows] = donors[:, d]
            sets = torch.from_numpy(found.sets[place(name)][where[f"state at {t}"]]).reshape(vault.COLUMNS, -1)
            value = torch.from_numpy(layers[f"state at {t}"][donor]).reshape(COUNT, vault.COLUMNS, -1)
            plain = net.step
            net.step = exchanging(plain, sets, value, t)  # type: ignore[method-assign]
            again = np.concatenate(list(layers_of(net, batch, quirky=quirky).values()), axis=1)
            net.step = plain  # type: ignore[method-assign]
            edit = place(name) * DONORS + d
            assert found.place[edit] == place(name)
            assert found.after[:, edit] == pytest.approx(again[rows], abs=2e-3)
            assert np.abs(again[rows] - every[rows]).max() > 0.1


def test_an_exchanged_encoding_changes_the_last_state_and_none_before(
    made: tuple[bool, Predictor, dict[str, np.ndarray], Patched],
) -> None:
    _, net, layers, found = made
    where, (rows, donors) = nodes(layers), drawn(TEST)
    edit = found.places.index(f"encoder at {SEEN}") * DONORS
    after = found.after[:, edit]
    for name in layers:
        if name in (f"state at {SEEN - 2}", f"state at {SEEN - 1}"):
            assert after[:, where[name]] == pytest.approx(layers[name][rows], abs=2e-3)
    assert after[:, where[f"encoder at {SEEN}"]] == pytest.approx(layers[f"encoder at {SEEN}"][donors[:, 0]], abs=2e-3)
    encoded = torch.from_numpy(layers[f"encoder at {SEEN}"][donors[:, 0]]).reshape(len(rows), vault.COLUMNS, -1)
    before = torch.from_numpy(layers[f"state at {SEEN - 1}"][rows]).reshape(len(rows), vault.COLUMNS, -1)
    with torch.no_grad():
        expected = net.step(net.read(encoded), before).flatten(1).numpy()
    assert after[:, where[f"state at {SEEN}"]] == pytest.approx(expected, abs=2e-3)


def test_what_is_seen_after_it_is_read_off_the_frame(
    made: tuple[bool, Predictor, dict[str, np.ndarray], Patched],
) -> None:
    _, _, layers, found = made
    where, frame = nodes(layers), f"frame {vault.JUDGED}"
    films = found.after[:, :, where[frame]].reshape(-1, vault.HEIGHT, vault.WIDTH)
    assert np.array_equal(vault.readings(films.astype(np.uint8)), found.sensors.reshape(-1, len(vault.SENSORS)))
    rows, donors = drawn(TEST)
    last = found.places.index(f"state at {SEEN}") * DONORS
    for d in range(DONORS):  # the frame is a function of the last state
        assert np.array_equal(found.after[:, last + d, where[frame]], layers[frame][donors[:, d]])
    one = found.places.index(f"{frame}, scale") * DONORS
    row, column = vault.LAMPS["scale"]
    lamp = row * vault.WIDTH + column
    expected = np.concatenate(list(layers.values()), axis=1)[rows].astype(np.float16)
    expected[:, where[frame].start + lamp] = layers[frame][donors[:, 0], lamp]
    assert found.after[:, one] == pytest.approx(expected, abs=2e-3)


def test_places_are_layers_their_columns_and_what_sensors_show(
    made: tuple[bool, Predictor, dict[str, np.ndarray], Patched],
) -> None:
    quirky, _, layers, found = made
    assert len(found.places) == len(set(found.places)) == 4 * (1 + vault.COLUMNS) + quirky + vault.COLUMNS + 7 + 1
    assert ("words" in found.places) == quirky
    where = nodes(layers)
    for place, sets in zip(found.places, found.sets, strict=True):
        inside = [name for name in layers if sets[where[name]].any()]
        assert len(inside) == 1 and place.startswith(inside[0])
        if place == inside[0]:
            assert sets[where[place]].all()
    assert not np.isin(found.rows, np.flatnonzero(TEST)).any()
