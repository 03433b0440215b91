"""The contest: who wins in the combined world, and whom a proposal resembles."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from elk_sandbox import literature, worlds
from elk_sandbox.__main__ import app
from elk_sandbox.contest import BREAKERS, hold, nearest
from elk_sandbox.keys import source
from elk_sandbox.runtime.registry import SHIPPED, Registry
from elk_sandbox.translators import is_honest

SHIPPED_FILES = Registry.scan(SHIPPED, packages=False)


def held(name: str, fresh: int = 0) -> dict[str, Any]:
    entry = SHIPPED_FILES.proposals[name]
    return hold(source(entry, entry.settings()), fresh)


def winners(told: dict[str, Any]) -> set[str]:
    return {line["breaker"] for line in told["breakers"] if line["relation"]}


def test_the_baseline_loses_to_every_breaker_and_the_condition() -> None:
    told = held("human_labels")
    assert not told["passes"]
    assert winners(told) == set(BREAKERS)
    assert told["condition"]["relation"] == "tie"


@pytest.mark.parametrize(
    ("name", "spared"),
    [
        ("operator_data", {"human_simulator"}),
        ("assisted_labels", {"human_simulator", "better_human_inference"}),
        ("downstream", {"human_simulator", "better_human_inference", "beyond_science"}),
        ("specificity", set(BREAKERS) - {"fingerprint"}),
    ],
)
def test_each_strategy_beats_what_it_was_made_for_and_no_more(name: str, spared: set[str]) -> None:
    told = held(name)
    assert not told["passes"]
    assert winners(told) == set(BREAKERS) - spared


def test_what_passes_rests_on_the_condition_or_dies_of_a_counterexample_of_its_own() -> None:
    adopted = held("imitative_generalization", fresh=2)
    assert adopted["passes"] and adopted["condition"]["relation"] == "tie"
    scrubbed = held("compress_state", fresh=1)
    assert scrubbed["passes"] and scrubbed["condition"]["relation"] is None


def test_nothing_passes_without_fresh_draws() -> None:
    told = held("compress_state")
    assert (told["verdict"], told["passes"]) == ("survives", False)


def test_the_ledger_tells_who_and_the_relation_follows_from_it() -> None:
    told = held("complexity")
    honest = told["objective"][told["direct_translator"]]
    for line in told["breakers"]:
        values = {n: told["objective"][n] for n in BREAKERS[line["breaker"]]}
        assert line["objective"] == min(values.values()) == values[line["reporter"]]
        assert line["relation"] == ("strict" if line["objective"] < honest - 1e-9 else None)
    assert told["killer"] in {line["reporter"] for line in told["breakers"]}


def test_what_the_best_net_leaves_open_by_hand() -> None:
    """Only the fourth trick is hidden from its user: she sees c = 1 and no trace there, as she does of a safe vault."""
    told = held("human_labels")
    world = worlds.all_at_once()
    column = {n: world.states[0][:, world.nodes.index(n)] for n in world.nodes}
    unmarked = (column["c"] == 1) & (column["t1"] + column["t2"] + column["t3"] == 0)
    p = np.array([world.weights[unmarked & (column["d"] == v)].sum() for v in (0, 1)])
    assert p[0] == pytest.approx(0.1 * 0.9)
    assert told["condition"]["open_nats"] == pytest.approx(-(p * np.log(p / p.sum())).sum())


def test_all_breakers_are_dishonest_and_readable() -> None:
    world = worlds.all_at_once()
    named = {**world.named_simulators, **world.reporters}
    for names in BREAKERS.values():
        for name in names:
            assert not is_honest(world, named[name])
            assert named[name].cone <= set(world.readable_nodes)


def cell(proposal: str, counterexample: str, verdict: str, **objective: float) -> dict[str, Any]:
    relation = "tie" if verdict == "killed" else None
    names = {"proposal": proposal, "counterexample": counterexample}
    return {**names, "verdict": verdict, "relation": relation, "objective": objective}


def test_the_nearest_family_has_the_same_verdicts_and_then_the_same_ledger() -> None:
    published = [
        cell("complexity", "fingerprint", "killed", a=1, b=2, c=3),
        cell("complexity", "coherent_world", "survives", a=1, b=2, c=3),
        cell("downstream", "fingerprint", "killed", a=3, b=2, c=1),
        cell("downstream", "coherent_world", "survives", a=1, b=1, c=1),
        cell("sensitivity", "fingerprint", "survives", a=1, b=2, c=3),
        cell("sensitivity", "coherent_world", "killed", a=1, b=2, c=3),
    ]
    mine = [
        cell("mine", "fingerprint", "killed", a=10, b=20, c=30, d=0),
        cell("mine", "coherent_world", "survives", a=2, b=3, c=9),
        cell("mine", "my_world", "killed", a=1, b=2, c=3),
    ]
    first, second, third = nearest(mine, published)
    assert (first.strategy, first.same, first.of, first.correlation) == ("complexity", 2, 2, pytest.approx(1))
    assert (second.strategy, second.same, second.correlation) == ("downstream", 2, pytest.approx(-1))
    assert (third.strategy, third.same) == ("sensitivity", 0)
    assert third.differs == ("fingerprint", "coherent_world")
    constant = [cell("mine", "coherent_world", "survives", a=1, b=1, c=1)]
    assert math.isnan(nearest(constant, published)[0].correlation)
    assert nearest(mine, published[:2], itself="complexity") == []
    undecided = [{**published[0], "verdict": "not applicable", "relation": None}]
    assert nearest(mine, undecided) == []


@pytest.mark.slow
def test_a_copy_of_a_published_file_is_nearest_to_it(tmp_path: Path) -> None:
    text = SHIPPED_FILES.proposals["specificity"].text.replace("def specificity", "def my_copy")
    (tmp_path / "my_copy.py").write_text(text)
    runner = CliRunner()
    told = runner.invoke(
        app, ["judge", str(tmp_path / "my_copy.py"), "--contest", "--json", "--workspace", str(tmp_path / "w")]
    )
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["passes"] is False
    assert found["nearest"][0]["strategy"] == "specificity"
    assert (found["nearest"][0]["same"], found["nearest"][0]["of"]) == (20, 20)
    assert found["nearest"][0]["correlation"] == pytest.approx(1)
    assert len(found["nearest"]) == len(literature.STRATEGIES)
