"""Worlds are kept by name and digest: made once, by one at a time, and the older of a name go."""

import multiprocessing
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elk_sandbox.learned.shelf import kept, place
from elk_sandbox.learned.world import LearnedWorld, WorldError
from tests.learned.planted import planted

A, B = "a" * 64, "b" * 64


def silent(words: str, share: float) -> None:
    assert words and 0 <= share <= 1


class Making:
    def __init__(self, seed: int = 0) -> None:
        self.seed, self.made = seed, 0

    def __call__(self, folder: Path) -> LearnedWorld:
        self.made += 1
        (folder / "beside").write_text(str(self.seed))
        return planted(np.random.default_rng(self.seed), 300)


def test_a_world_is_made_once_and_gives_way_to_the_next_of_its_name(tmp_path: Path) -> None:
    make, other = Making(), Making(1)
    first = kept(tmp_path, "run:a@3", A, make, silent)
    again = kept(tmp_path, "run:a@3", A, make, silent)
    assert make.made == 1 and np.array_equal(first.inputs, again.inputs)
    kept(tmp_path, "run:a@3,own", A, other, silent)
    kept(tmp_path, "run:a@30", A, other, silent)
    kept(tmp_path, "run:a@3", B, make, silent)
    there = {name: place(tmp_path, name, digest).is_dir() for name in ("run:a@3", "run:a@3,own") for digest in (B,)}
    assert there == {"run:a@3": True, "run:a@3,own": False}
    assert not place(tmp_path, "run:a@3", A).exists()
    assert place(tmp_path, "run:a@3,own", A).is_dir() and place(tmp_path, "run:a@30", A).is_dir()
    assert (place(tmp_path, "run:a@3", B) / "beside").read_text() == "0"


def test_names_that_look_alike_as_folders_are_apart(tmp_path: Path) -> None:
    names = ["hf:/models/a", "hf:-models-a", "hf:/models//a", "hf:" + "x" * 300, "hf:y" + "x" * 299]
    assert len({place(tmp_path, name, A) for name in names}) == len(names)
    assert all(place(tmp_path, name, A).parent == tmp_path / "worlds" for name in [*names, "hf:../../a", ".."])
    assert all(len(place(tmp_path, name, A).name) < 100 for name in names)


def test_what_is_spoilt_is_made_anew_and_what_fails_leaves_nothing(tmp_path: Path) -> None:
    make = Making()
    kept(tmp_path, "x", A, make, silent)
    (place(tmp_path, "x", A) / "world.npz").write_bytes(b"no archive")
    kept(tmp_path, "x", A, make, silent)
    assert make.made == 2

    def fails(folder: Path) -> LearnedWorld:
        raise WorldError("not that")

    with pytest.raises(WorldError, match="not that"):
        kept(tmp_path, "x", B, fails, silent)
    assert not place(tmp_path, "x", B).exists() and place(tmp_path, "x", A).exists()
    kept(tmp_path, "x", B, make, silent)
    assert make.made == 3


def _slowly(home: Path) -> None:
    def make(folder: Path) -> LearnedWorld:
        with (home / "made").open("a") as file:
            file.write("x")
        time.sleep(0.3)
        return planted(np.random.default_rng(0), 300)

    kept(home, "x", A, make, silent)


def test_several_processes_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elk_sandbox.runtime.lock.WAIT", 0.02)
    context = multiprocessing.get_context("fork")
    several = [context.Process(target=_slowly, args=(tmp_path,)) for _ in range(3)]
    for process in several:
        process.start()
    for process in several:
        process.join(60)
    assert [process.exitcode for process in several] == [0, 0, 0]
    assert (tmp_path / "made").read_text() == "x"


def test_first_weights_and_what_is_lacking_are_kept(tmp_path: Path) -> None:
    world = planted(np.random.default_rng(0), 300)
    other = {name: a + 1 for name, a in world.untrained.items()}
    replace(world, rerolled=(other, dict(world.untrained)), lacks={"contrast": "no words"}).save(tmp_path)
    found = LearnedWorld.load(tmp_path)
    assert found.lacks == {"contrast": "no words"} and len(found.rerolled) == 2
    for name, a in other.items():
        np.testing.assert_array_equal(found.rerolled[0][name], a)
    with pytest.raises(WorldError, match="the same of the trained and of the untrained network"):
        replace(world, rerolled=({"early": other["early"]},))
