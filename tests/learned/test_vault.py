"""The filmed vault: what happens by a second simulator, one step at a time; people by the pixels alone."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox.worlds import vault

HONEST, SCREEN, FROZEN, PROJECTION, FAKE, SPLICE = range(6)
seeds = st.integers(0, 2**32 - 1)
tellings = settings(max_examples=10, deadline=None)


def drawn(seed: int, count: int = 40) -> vault.Story:
    return vault.plot(count, np.random.default_rng(seed))


def lived(story: vault.Story, n: int) -> list[tuple[int, int | None, bool]]:
    """Of one episode, frame by frame: the table's column, the robber's row from the ceiling, is the diamond there."""
    table, there, told = int(story.place[n]), True, []
    for t in range(vault.FRAMES):
        down, last = t - int(story.enters[n]), vault.ROPE - 1
        row = down + 1 if 0 <= down <= last else 2 * last - down + 1 if last < down <= 2 * last else None
        told.append((table, row, there))
        act = vault.ACTIONS[story.actions[n, t]]
        if row == vault.ROPE and table == story.column[n] and act != "bars":
            there = False
        table = (table + {"turn left": -1, "turn right": 1}.get(act, 0)) % vault.COLUMNS
    return told


@tellings
@given(seeds)
def test_the_story_is_what_one_gets_step_by_step(seed: int) -> None:
    story = drawn(seed)
    for n in range(len(story.kind)):
        told = lived(story, n)
        assert story.table[n].tolist() == [table for table, _, _ in told]
        assert (~story.gone[n]).tolist() == [there for _, _, there in told]
        assert story.truth[n] == told[vault.JUDGED][2]


@tellings
@given(seeds)
def test_an_honest_camera_shows_what_is_there_and_no_more(seed: int) -> None:
    story = drawn(seed)
    frames = vault.render(story, None)
    for n in np.flatnonzero(story.kind == HONEST):
        for t, (table, row, there) in enumerate(lived(story, n)):
            picture = np.zeros((vault.HEIGHT, vault.COLUMNS))
            picture[vault.FLOOR :, table] = there
            if row is not None:
                picture[row, story.column[n]] = 1
            assert np.array_equal(frames[n, t, :, : vault.COLUMNS], picture)
            lamps = [frames[n, t, at, column] for at, column in vault.LAMPS.values()]
            assert lamps == [there, there]
            on = story.reveal[n] == 2 and t >= story.revealed[n]
            picture[0] = 1
            assert np.array_equal(frames[n, t, :, vault.COLUMNS + 1 :], picture * on)


@tellings
@given(seeds)
def test_a_trick_always_shows_a_diamond_until_it_ends(seed: int) -> None:
    story = drawn(seed, 200)
    camera = np.stack([vault.readings(f)[:, 0] for f in vault.render(story, None).swapaxes(0, 1)], axis=1)
    time = np.arange(vault.FRAMES)
    over = (story.reveal == 1)[:, None] & (time >= story.revealed[:, None])
    at_work = (story.kind != HONEST)[:, None] & (time >= story.starts[:, None]) & ~over
    assert camera[at_work].all()
    assert np.array_equal(camera[~at_work] == 1, ~story.gone[~at_work])


@tellings
@given(seeds)
def test_before_the_reveal_a_tricked_film_does_not_depend_on_the_truth(seed: int) -> None:
    """With all lamps kept lit, bars lowered at the decisive moment change nothing in sight but for the robber's bag."""
    story = drawn(seed, 200)
    tricked = story.kind != HONEST
    story = replace(story, gear=np.where(tricked[:, None], [1, 1], 0))
    row, actions = np.arange(200), story.actions.copy()
    actions[row, story.reaches] = vault.BARS
    safe = replace(story, actions=actions)
    still = tricked & (vault.TURNS[story.actions[row, story.reaches]] == 0)
    assert safe.truth.all() and (story.truth[still] == 0).any()
    seen = slice(0, vault.JUDGED + 1)
    assert np.array_equal(vault.render(story, None)[still, seen], vault.render(safe, None)[still, seen])
    ended = still & (story.truth == 0) & (story.reveal > 0)
    differ = (vault.render(story, None)[ended] != vault.render(safe, None)[ended]).any(axis=(1, 2, 3))
    assert differ.all()


@tellings
@given(seeds)
def test_each_trick_looks_as_it_is_told(seed: int) -> None:
    story = replace(drawn(seed, 200), reveal=np.zeros(200, int), revealed=np.full(200, vault.FRAMES))
    first = vault.render(story, None)[..., : vault.COLUMNS]
    for n in np.flatnonzero(story.kind != HONEST):
        start, table = story.starts[n], story.table[n]
        after, rope, floor = first[n, start:], first[n, start:, 1 : vault.FLOOR], first[n, start:, -1].argmax(axis=-1)
        there = range(start, vault.FRAMES)
        if story.kind[n] in (SCREEN, FROZEN):
            assert (after == after[0]).all()
            assert after[:, 0].all() == (story.kind[n] == SCREEN)
        if story.kind[n] in (SCREEN, SPLICE):
            assert not rope.any()
        if story.kind[n] in (FAKE, SPLICE):
            assert floor.tolist() == [table[t] for t in there]
        if story.kind[n] == PROJECTION:
            assert floor.tolist() == [table[t - 1] for t in there]
        assert (first[n, :, 1 : vault.FLOOR].sum(axis=(1, 2)).max() == 2) == (story.kind[n] == FAKE)


def test_people_answer_by_the_pixels_of_one_frame() -> None:
    """All of them by hand: a diamond in some column or not, each lamp, and whatever is drawn elsewhere."""
    rng = np.random.default_rng(0)
    for seen in (False, True):
        for scale in (0, 1):
            for wire in (0, 1):
                frames = rng.integers(0, 2, (50, vault.FRAMES, vault.HEIGHT, vault.WIDTH)).astype(np.uint8)
                judged = frames[:, vault.JUDGED]
                judged[:, vault.FLOOR, : vault.COLUMNS] = 0
                if seen:
                    judged[:, vault.FLOOR :, 2] = 1
                judged[:, 2, vault.COLUMNS], judged[:, 4, vault.COLUMNS] = scale, wire
                expected = 0.03 if not seen else 0.97 if scale and wire else 0.3
                assert vault.viewer(frames) == pytest.approx(expected)
                assert (vault.readings(judged) == [seen, scale, wire]).all()


def test_the_operator_knows_the_known_tricks_and_no_other() -> None:
    episodes = vault.draw(4000, np.random.default_rng(3))
    operator, viewer = vault.operator(episodes), vault.viewer(episodes.frames)
    known = np.isin(episodes.story.kind, [SCREEN, FROZEN])
    assert np.array_equal(operator[known] > 0.5, episodes.story.truth[known] == 1)
    assert np.array_equal(operator[~known], viewer[~known])
    for kind in range(1, 6):
        gone = (episodes.story.kind == kind) & (episodes.story.truth == 0)
        assert 0.5 < (viewer[gone] > 0.5).mean() < 0.95


def test_no_single_thing_before_the_judgement_tells_the_truth() -> None:
    """Where the robber, the diamond and the guard are says nothing by itself: only that he meets it does."""
    story = vault.plot(50_000, np.random.default_rng(1))
    bars = story.actions[np.arange(50_000), story.reaches] == vault.BARS
    for name in ("place", "column", "enters", "kind"):
        values = getattr(story, name)
        shares = [story.truth[(values == v) & ~bars].mean() for v in np.unique(values)]
        assert np.allclose(shares, 0.5, atol=0.025)
    assert story.truth[bars].all()


def test_noise_flips_as_many_pixels_as_it_says() -> None:
    story = vault.plot(3000, np.random.default_rng(2))
    share = (vault.render(story, np.random.default_rng(4)) != vault.render(story, None)).mean()
    assert share == pytest.approx(vault.NOISE, rel=0.05)


def test_a_draw_is_its_seeds() -> None:
    one, two, three = (vault.draw(50, np.random.default_rng(s)) for s in (5, 5, 6))
    assert np.array_equal(one.frames, two.frames) and not np.array_equal(one.frames, three.frames)
    assert all(np.array_equal(getattr(one.story, f.name), getattr(two.story, f.name)) for f in fields(vault.Story))


def test_easy_episodes_hold_known_tricks_that_hide_little() -> None:
    story = drawn(9, 2000)
    assert set(story.kind[vault.easy(story)]) == {HONEST, SCREEN, FROZEN}
    assert story.hidden[vault.easy(story)].max() == vault.LONG - 1 and story.hidden.max() >= vault.LONG
