"""Results on learned worlds are kept by all they depend on; worlds are found by name, those of packages too."""

import json
from pathlib import Path

import pytest

from elk_sandbox import keys
from elk_sandbox.evidence.trained import Trained
from elk_sandbox.learned import cells, sources
from elk_sandbox.learned.methods import METHODS
from elk_sandbox.learned.published import PUBLISHED
from elk_sandbox.learned.world import WorldError
from elk_sandbox.runtime.isolation import UserError
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.terminal import InputError
from tests.learned.planted_source import Planted

FEW = Trained(3, "linear", 30)


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
    assert first[1]["like"] == {"direct_translator": 3} and first[1]["alike"]["direct_translator"] > 0.8
    assert "no relations" in first[2]["reason"] and first[2]["auroc"] is None
    assert all(c["certificate"] == first[0]["certificate"] and c["certificate"]["words"] for c in first)
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert list(cells.compute(chosen, ["planted:0"], tmp_path, FEW, silent)) == first and source.made == ["0"]
    found = cells.kept(chosen, {"planted:0": sources.digest("planted:0", tmp_path)}, tmp_path, FEW)
    assert found == {(c["row"], "planted:0"): c for c in first}


def test_a_run_that_goes_on_meanwhile_is_not_kept_as_its_older_self(
    tmp_path: Path, source: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(["at step 1", "at step 2"])
    monkeypatch.setattr(sources, "digest", lambda name, home: next(now))
    (cell,) = cells.compute(rows("ceiling"), ["planted:0"], tmp_path, FEW, silent)
    assert cell["refused"] and "planted:0 has changed since it was asked for: ask again" in cell["reason"]
    for digest in ("at step 1", "at step 2"):
        assert not cells.kept(rows("ceiling"), {"planted:0": digest}, tmp_path, FEW)


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


def test_a_world_that_cannot_be_made_leaves_the_others(
    tmp_path: Path, source: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = source.world

    def world(rest: str, home: Path, say: object) -> object:
        if rest == "1":
            raise WorldError("its rater is fooled by 3 texts")
        return plain(rest, home, say)

    monkeypatch.setattr(source, "world", world)
    names = [f"planted:{k}" for k in range(3)]
    found = list(cells.compute(rows("viewer", "human_labels"), names, tmp_path, FEW, silent))
    assert [(c["row"], c["world"]) for c in found] == [(r, n) for n in names for r in ("viewer", "human_labels")]
    assert [c["reason"] for c in found] == [None, None, *["its rater is fooled by 3 texts"] * 2, None, None]
    assert [c.get("refused", False) for c in found] == [False, False, True, True, False, False]
    assert not found[2]["certificate"]["certified"]
    digests = {n: sources.digest(n, tmp_path) for n in names}
    assert len(cells.kept(rows("viewer", "human_labels"), digests, tmp_path, FEW)) == 4
    with pytest.raises(WorldError, match="did you mean"):
        next(cells.compute(rows("viewer"), ["planted:0", "valt"], tmp_path, FEW, silent))


def test_what_may_pass_is_told_and_not_kept(tmp_path: Path, source: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    def child(*_: object, **__: object) -> object:
        class Slow:
            def __enter__(self) -> "Slow":
                return self

            def __exit__(self, *_: object) -> None: ...

            def call(self, *_: object) -> object:
                raise UserError("no answer within 30 s", "file.py", None, "time")

        return Slow()

    monkeypatch.setattr("elk_sandbox.learned.judge.child_of", child)
    (cell,) = cells.compute(rows("human_labels"), ["planted:0"], tmp_path, FEW, silent)
    assert "30 s" in cell["reason"]
    digests = {"planted:0": sources.digest("planted:0", tmp_path)}
    assert not cells.kept(rows("human_labels"), digests, tmp_path, FEW)


def test_asked_again_the_certificate_is_made_anew(
    tmp_path: Path, source: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells.certificate("planted:0", tmp_path, silent)
    made = len(source.made)
    cells.certificate("planted:0", tmp_path, silent)
    assert len(source.made) == made
    list(cells.compute(rows("viewer"), ["planted:0"], tmp_path, FEW, silent, again=True))
    monkeypatch.setattr("elk_sandbox.learned.certificate.certify", lambda world: pytest.fail("made anew"))
    with pytest.raises(pytest.fail.Exception, match="made anew"):
        cells.certificate("planted:0", tmp_path, silent, again=True)


def test_names_of_worlds(tmp_path: Path, source: Planted) -> None:
    assert sources.several("vault,run:a@3,own,vault:quirky,seed=1") == [
        "vault", "run:a@3,own", "vault:quirky,seed=1",
    ]  # fmt: skip
    assert sources.several(" , ") == []
    assert sources.several("hf:/a,b/c,run:y") == ["hf:/a,b/c", "run:y"]
    with pytest.raises(WorldError, match="'rum:x'; did you mean run"):
        sources.several("vault,rum:x")
    with pytest.raises(WorldError, match="did you mean vault"):
        sources.find("valt", tmp_path)
    with pytest.raises(InputError, match="planted:SEED"):
        sources.digest("planted:x", tmp_path)
    assert {"vault", "run", "hf"} <= set(sources.kinds())
    sources.digest("planted:0", tmp_path)
    sources.listed(tmp_path)
    assert source.made == []  # neither makes a world
    sources.find("planted:0", tmp_path)
    assert source.made == ["0"]


def test_the_list_of_methods_that_loads_nothing_is_the_list_of_methods() -> None:
    assert list(PUBLISHED) == list(METHODS)
