"""Results on learned worlds are kept by all they depend on; worlds are found by name, those of packages too."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elk_sandbox import keys
from elk_sandbox.evidence.trained import Trained
from elk_sandbox.learned import cells, sources
from elk_sandbox.learned.methods import METHODS
from elk_sandbox.learned.published import PUBLISHED
from elk_sandbox.learned.sources import Step
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.terminal import InputError
from tests.learned.planted import planted

FEW = Trained(3, "linear", 30)


class Planted:
    """A source of planted worlds: "planted:SEED"."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def world(self, rest: str, home: Path, say: Any) -> LearnedWorld:
        self.made.append(rest)
        found = planted(np.random.default_rng(int(rest)), 1200)
        object.__setattr__(found, "name", f"planted:{rest}")
        return found

    def along(self, rest: str, home: Path) -> Sequence[Step]:
        return [Step(f"planted:{k}", k, k**2, k, -k) for k in range(3)]

    def digest(self, rest: str, home: Path) -> str:
        if not rest.isdecimal():
            raise WorldError(f"planted:{rest} is no world: say planted:SEED")
        return f"seed {rest}"

    def listed(self, home: Path) -> Sequence[str]:
        return ["planted:0"]


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Planted:
    found = Planted()
    known = {**sources.kinds(), "planted": "tests.learned.test_cells:Planted"}
    plain = sources.parted
    monkeypatch.setattr(sources, "kinds", lambda: known)
    monkeypatch.setattr(
        sources, "parted",
        lambda name: (found, name.partition(":")[2]) if name.startswith("planted") else plain(name),
    )  # fmt: skip
    return found


def rows(*names: str) -> list[cells.Row]:
    entries = Registry.default().proposals
    return [
        {"method": n} if n in METHODS else {"proposal": keys.source(entries[n], entries[n].settings())} for n in names
    ]


def silent(words: str, share: float) -> None:
    assert 0 <= share <= 1 and words


def test_cells_are_computed_once_and_a_world_is_made_when_one_is_missing(tmp_path: Path, source: Planted) -> None:
    chosen = rows("human_labels", "ceiling", "consistency", "ccs")
    first = list(cells.compute(chosen, ["planted:0"], tmp_path, FEW, silent))
    assert source.made == ["0"] and [c["row"] for c in first] == ["human_labels", "ceiling", "consistency", "ccs"]
    assert [c["kind"] for c in first] == ["proposal", "method", "proposal", "method"]
    assert first[0]["auroc"]["counts"]["seeds"] == 3 and first[1]["auroc"]["value"] > first[0]["auroc"]["value"]
    assert "no relations" in first[2]["reason"] and first[2]["auroc"] is None
    assert all(c["certificate"] == first[0]["certificate"] and c["certificate"]["words"] for c in first)
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert list(cells.compute(chosen, ["planted:0"], tmp_path, FEW, silent)) == first and source.made == ["0"]
    found = cells.kept(chosen, {"planted:0": sources.digest("planted:0", tmp_path)}, tmp_path, FEW)
    assert found == {(c["row"], "planted:0"): c for c in first}


def test_another_world_training_text_or_knob_is_another_cell(tmp_path: Path, source: Planted) -> None:
    (row,) = rows("complexity")
    (kept,) = cells.compute([row], ["planted:0"], tmp_path, FEW, silent)
    digests = {"planted:0": sources.digest("planted:0", tmp_path)}
    assert len(cells.kept([row], digests, tmp_path, FEW)) == 1
    assert not cells.kept([row], {"planted:0": "seed 1"}, tmp_path, FEW)
    assert not cells.kept([row], digests, tmp_path, Trained(4, "linear", 30))
    other = {"proposal": {**row["proposal"], "knobs": {"weight": 0.2}}}
    assert not cells.kept([other], digests, tmp_path, FEW)
    assert not cells.kept([{"proposal": {**row["proposal"], "text": "x"}}], digests, tmp_path, FEW)
    (anew,) = cells.compute([row], ["planted:0"], tmp_path, FEW, silent, again=True)
    assert source.made == ["0", "0"] and anew["auroc"] == kept["auroc"]


def test_names_of_worlds(tmp_path: Path, source: Planted) -> None:
    assert sources.several("vault,run:a@3,own,vault:quirky,seed=1") == [
        "vault", "run:a@3,own", "vault:quirky,seed=1",
    ]  # fmt: skip
    assert sources.several(" , ") == []
    with pytest.raises(WorldError, match="did you mean vault"):
        sources.find("valt", tmp_path)
    with pytest.raises(InputError, match="planted:SEED"):
        sources.digest("planted:x", tmp_path)
    assert {"vault", "run", "hf"} <= set(sources.kinds())
    assert "planted:0" not in sources.listed(tmp_path / "empty") or source.made == []


def test_the_list_of_methods_that_loads_nothing_is_the_list_of_methods() -> None:
    assert list(PUBLISHED) == list(METHODS)
