"""The record that the app evaluates, against the planes that sympy makes and against what the command prints."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from elk_sandbox.__main__ import app
from elk_sandbox.pages.pair import Pair
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.symbolic import flip as flips
from elk_sandbox.symbolic.kept import FAULT, kept, pairs_key, whole_key
from elk_sandbox.symbolic.openings import OPENINGS
from elk_sandbox.symbolic.record import opened
from elk_sandbox.symbolic.regions import VERDICTS as WORDS
from elk_sandbox.symbolic.scenes import SCENES
from elk_sandbox.symbolic.surface import VERDICTS, Surface
from elk_sandbox.terminal import InputError
from tests.sample import REPOSITORY

REGISTRY = Registry.scan(REPOSITORY / "proposals", packages=False)
LABELS = dict(zip(VERDICTS, WORDS, strict=True))
PAIRS = [
    ("specificity", "fingerprint"), ("complexity", "human_simulator"), ("computation_time", "cheap_simulation"),
    ("auxiliary_ai", "simple_steganography"), ("sensitivity", "sensitive_not_honest"),
    ("few_parts", "compact_appearance"),
    ("downstream+complexity", "screen"), ("complexity", "hard_inference"), ("reporter_sequence", "capability_jump"),
]  # fmt: skip


def surface(proposal: str, world: str, *settings: str) -> tuple[Surface, flips.Flip]:
    whole = flips.whole(REGISTRY, proposal, world, settings)
    usual = flips.find(REGISTRY, proposal, world, None, settings)
    return Surface(json.loads(json.dumps(opened(whole, usual)))), whole


def inside(surface: Surface, rng: np.random.Generator) -> dict[str, float]:
    """Some point."""
    found = {}
    for name, p in surface.open.items():
        if p.discrete:
            found[name] = float(p.low + p.step * rng.integers(0, 4))
        else:
            high = p.high if math.isfinite(p.high) else 3.0
            found[name] = float(p.low + (high - p.low) * rng.uniform(0.02, 0.98))
    return found


@pytest.mark.parametrize(("proposal", "world"), PAIRS)
def test_it_decides_as_the_plane_does(proposal: str, world: str) -> None:
    found, whole = surface(proposal, world)
    rng = np.random.default_rng(0)
    assert [p.name for p in found.open.values()] == [a.name for a in whole.plane.axes]
    for _ in range(12):
        at = inside(found, rng)
        decided = found.decide(at)
        bad, honest, verdict = whole.plane.decide(*at.values())
        assert (decided.bad, decided.honest, LABELS[decided.verdict]) == (bad, honest, verdict)
        assert decided.difference == pytest.approx(float(whole.plane.difference(*at.values())), abs=1e-12)


@pytest.mark.parametrize(("proposal", "world"), PAIRS)
def test_with_two_open_it_is_what_find_solves(proposal: str, world: str) -> None:
    """The rest at their defaults: the forms with everything open are those with two open."""
    found, _ = surface(proposal, world)
    usual = flips.find(REGISTRY, proposal, world, None, [])
    rng = np.random.default_rng(1)
    for _ in range(6):
        at = inside(found, rng)
        at |= {n: p.default for n, p in found.open.items() if n not in {a.name for a in usual.plane.axes}}
        told = usual.plane.difference(*(at[a.name] for a in usual.plane.axes))
        assert float(found.difference(at)) == pytest.approx(float(told), abs=1e-12)


def test_runs_end_on_the_border() -> None:
    found, _ = surface("complexity", "human_simulator")
    at = {"misreading": 0.1, "weight": 0.1}
    xs = [0.01, 0.1, 0.4]
    runs = found.runs("misreading", "weight", xs, (0.0, 2.0), at)
    ends = {r.x: r.high for r in runs if r.verdict == "strict"}
    assert ends[0.01] == pytest.approx(1.5 * 0.01 * math.log(10), abs=1e-9)
    for x in (0.1, 0.4):
        assert ends[x] == pytest.approx(x * math.log(3) - math.log(3) + math.log(10) / 2, abs=1e-9)
    assert [(r.low, r.high) for r in runs if r.x == 0.1] == [(0.0, ends[0.1]), (ends[0.1], 2.0)]


def test_runs_over_two_sizes_have_half_steps_around() -> None:
    found, _ = surface("computation_time", "cheap_simulation", "cached=false")
    at = {"atoms": 5.0, "pixels": 5.0, "weight": 0.1}
    runs = found.runs("atoms", "pixels", [3.0, 7.0], (3.0, 9.0), at)
    assert [(r.low, r.high, r.verdict) for r in runs if r.x == 7.0] == [
        (2.0, 6.0, "strict"), (6.0, 8.0, "tie"), (8.0, 10.0, "survives"),
    ]  # fmt: skip


def test_every_scene_has_an_opening_and_no_more() -> None:
    assert set(SCENES) == set(OPENINGS)
    for name, opening in OPENINGS.items():
        assert (SCENES[name].control is not None) == opening.control
        assert SCENES[name].parameters == opening.parameters


def run(*arguments: str, home: Path) -> int:
    return CliRunner().invoke(app, ["flip", *arguments, "--workspace", str(home), "--json"]).exit_code


def pair(proposal: str, world: str, *switches: str) -> Pair:
    entry = None if OPENINGS[world].control else Registry.default().counterexamples[world]
    return Pair(tuple(Registry.default().proposals[n] for n in proposal.split("+")), world, entry, switches)


@pytest.mark.parametrize(
    ("proposal", "world", "at"),
    [
        ("specificity", "fingerprint", {"atoms": 3.0, "length": 0.25, "generality": 1.0}),
        ("downstream+complexity", "screen", {"downstream.weight": 1.0, "complexity.weight": 0.3}),
    ],
)
def test_the_command_leaves_what_the_page_looks_for(
    proposal: str, world: str, at: Mapping[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    asked = pair(proposal, world)
    assert kept(asked.whole, tmp_path) is None
    command = asked.command(tmp_path, at)
    assert run(*command[4:6], *command[9:], home=tmp_path) == 0
    whole, record = kept(asked.whole, tmp_path), kept(asked.over((), at), tmp_path)
    assert whole is not None
    assert record is not None
    (point,) = record["judge"]["points"]
    assert point["judge"] == pytest.approx(Surface(whole).decide(at).difference, abs=1e-9)
    names = list(at)[:2]
    rest = {n: v for n, v in at.items() if n not in names}
    command = asked.command(tmp_path, rest, names)
    assert run(*command[4:6], *command[9:], home=tmp_path) == 0
    border = kept(asked.over(names, at), tmp_path)
    assert border is not None
    assert [a["name"] for a in border["over"]] == names
    assert all(r["latex"] for r in border["regions"])


def test_switches_have_a_record_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    asked = pair("computation_time", "cheap_simulation", "cached=false")
    assert run("computation_time", "cheap_simulation", "--set", "cached=false", home=tmp_path) == 0
    assert kept(asked.whole, tmp_path) is not None
    assert kept(pair("computation_time", "cheap_simulation").whole, tmp_path) is None


def test_what_has_no_closed_form_is_kept_as_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert run("consistency", "simple_steganography", home=tmp_path) != 0
    record = kept(pair("consistency", "simple_steganography").whole, tmp_path)
    assert record is not None
    assert "no closed form of inconsistency is known in simple_steganography" in record[FAULT]


def test_a_wrong_setting_is_no_fault_of_the_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert run("complexity", "fingerprint", "--over", "n,wieght", home=tmp_path) != 0
    registry = Registry.default()
    key = whole_key([registry.proposals["complexity"]], registry.counterexamples["fingerprint"], [])
    assert kept(key, tmp_path) is None


def test_pairs_are_those_that_find_solves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    told = CliRunner().invoke(app, ["flip", "--json", "--workspace", str(tmp_path)])
    found = json.loads(told.stdout)
    assert kept(pairs_key(Registry.default()), tmp_path) == found
    assert set(found) == set(REGISTRY.proposals)
    single = [p for p in PAIRS if "+" not in p[0]]
    more = [("consistency", "simple_steganography"), ("sensitivity", "free"), ("causal_interventions", "screen")]
    for proposal, world in [*single, *more]:
        fault = found[proposal][world]
        if fault is None:
            flips.find(REGISTRY, proposal, world, None, [])
        else:
            with pytest.raises(InputError, match="no closed form") as reason:
                flips.find(REGISTRY, proposal, world, None, [])
            assert str(reason.value) == fault
    listed = CliRunner().invoke(app, ["flip", "--workspace", str(tmp_path)]).stdout
    assert "complexity  all" in listed
    assert "causal_interventions  none" in listed
