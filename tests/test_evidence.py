"""Trained reporters: surrogates against exact measures, gradients, who ends where, and that nothing is believed."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from elk_sandbox import cells, keys
from elk_sandbox.candidates import Reporters
from elk_sandbox.evidence import calibration, soft
from elk_sandbox.evidence.calibration import rank_correlation, references, soft_values
from elk_sandbox.evidence.gather import _shown, child_of, gather
from elk_sandbox.evidence.result import Evidence, interval, likeness
from elk_sandbox.evidence.soft import SURROGATES, SoftReporters, SoftView
from elk_sandbox.evidence.trained import Trained
from elk_sandbox.evidence.training import Network, Training, answer
from elk_sandbox.exam import encode
from elk_sandbox.needs import MEASURES
from elk_sandbox.objective import Objective
from elk_sandbox.reporters import Reporter
from elk_sandbox.runtime.registry import SHIPPED, Registry
from elk_sandbox.seats import Seat, control_seat
from elk_sandbox.view import View
from elk_sandbox.world import World

REPOSITORY = Path(__file__).parents[1]
REGISTRY = Registry.scan(SHIPPED, packages=False)
EXACT = (  # on answers of 0 and 1; the others are compared below
    "cross_entropy", "disagreement", "parts", "influence", "downstream", "inconsistency", "sensitivity",
    "mutual_information", "usable_information",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


def seat_of(counterexample: str, folder: Path) -> Seat:
    entry = REGISTRY.counterexamples[counterexample]
    return Seat(cells.case_of(keys.source(entry, entry.settings()), folder))


def soft_view(world: World) -> SoftView:
    return SoftView(*_shown(world))


def exact_of(world: World, reporters: list[Reporter]) -> tuple[View, Reporters]:
    meta, arrays = encode(world, reporters, MEASURES, np.random.default_rng(0), None)
    view = View(meta, arrays)
    return view, Reporters(view, arrays)


class Here:
    """An examinee in this process, with the function given; it remembers what it was asked."""

    def __init__(self, function: Callable[..., Any], **instead: Callable[..., Any]) -> None:
        self.function, self.instead = function, instead
        self.asked: list[tuple[dict[str, Any], dict[str, np.ndarray]]] = []

    def call(
        self, meta: dict[str, Any], arrays: dict[str, np.ndarray], wall: float | None = None
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        self.asked.append((meta, arrays))
        reply, values = answer(self.function, meta, arrays)
        if meta["do"] in self.instead:
            reply, values = self.instead[meta["do"]](reply, values)
        return json.loads(json.dumps(reply)), values


def loss(reporters: Any, view: Any) -> Objective:
    result: Objective = view.cross_entropy(reporters)
    return result


def with_complexity(reporters: Any, view: Any, weight: float = 0.1) -> Objective:
    result: Objective = view.cross_entropy(reporters) + weight * view.complexity(reporters)
    return result


# Surrogates


def test_a_surrogate_is_asked_for_as_the_exact_measure_is() -> None:
    for name in SURROGATES:
        exact, mine = (inspect.signature(getattr(kind, name)).parameters for kind in (View, SoftView))
        assert [(p.name, p.default, p.kind) for p in mine.values()] == [
            (p.name, p.default, p.kind) for p in exact.values()
        ]


@pytest.mark.parametrize("world", ["screen", "hard_inference", "masked_bit", "free", "two_cue"])
def test_on_answers_of_0_and_1_a_surrogate_is_the_exact_measure(world: str) -> None:
    seat = control_seat(world)
    tables = [r for r in references(seat).values() if all(np.isin(t.values, (0, 1)).all() for t in r.tables)]
    view, reporters = exact_of(seat.case.world, tables[:: max(1, len(tables) // 150)])
    mine = soft_view(seat.case.world)
    for name in EXACT:
        expected = getattr(view, name)(reporters).values
        assert soft_values(mine, reporters, name) == pytest.approx(expected, abs=1e-9), name
        assert name != "influence" or expected.max() > 1


def test_data_processes_and_instances_and_blanked_answers_too() -> None:
    world = control_seat("tricks").case.world
    tables = list(references(control_seat("tricks")).values())[::20]
    view, reporters = exact_of(world, tables)
    mine = soft_view(world)
    for process in world.data:
        expected = view.cross_entropy(reporters, process).values
        assert soft_values(mine, reporters, "cross_entropy", [process]) == pytest.approx(expected, abs=1e-9)
    seat = control_seat("masked_bit")
    view, reporters = exact_of(seat.case.world, list(references(seat).values())[::20])
    expected = view.cross_entropy(reporters, instances=True).values
    mine = soft_view(seat.case.world)
    found = soft_values(mine, reporters, "cross_entropy", [], {"instances": True})
    assert found == pytest.approx(expected, abs=1e-9)
    seat = control_seat("two_cue")
    view, reporters = exact_of(seat.case.world, list(references(seat).values())[::20])
    expected = view.usable_information(reporters, blank=True).values
    mine = soft_view(seat.case.world)
    found = soft_values(mine, reporters, "usable_information", [], {"blank": True})
    assert found == pytest.approx(expected, abs=1e-9)
    assert np.ptp(expected - view.usable_information(reporters).values) > 0


def test_specificity_tends_to_the_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seat = control_seat("masked_bit")
    view, reporters = exact_of(seat.case.world, list(references(seat).values())[::10])
    expected = view.specificity(reporters).values
    gaps = []
    for near in (0.1, 0.01, 0.0005):
        monkeypatch.setattr(soft, "NEAR", near)
        gaps.append(np.abs(soft_values(soft_view(seat.case.world), reporters, "specificity") - expected).max())
    assert gaps[0] > gaps[1] >= gaps[2]
    assert gaps[2] < 1e-9


def test_the_spectrum_is_the_sum_over_sets_of_nodes() -> None:
    rng = np.random.default_rng(0)
    cubes = {n: rng.integers(0, 2, (2, 3, 2**n)) for n in (1, 2, 3, 5)}
    for n, cube in cubes.items():
        bits = np.array(list(product((0, 1), repeat=n)))
        expected = np.zeros(cube.shape[:2])
        for chosen in bits.astype(bool):
            sign = (-1.0) ** bits[:, chosen].sum(axis=1)
            expected += chosen.sum() * np.abs(((2 * cube - 1) * sign).mean(axis=-1)) ** 1.5
        assert soft._spectrum(torch.tensor(cube, dtype=torch.float64)).numpy() == pytest.approx(expected)
    for n in range(1, 7):
        conjunction = torch.zeros(1, 1, 2**n, dtype=torch.float64)
        conjunction[..., -1] = 1
        assert float(soft._spectrum(conjunction)) == pytest.approx(n * 2 ** (-(n - 1) / 2))


@pytest.mark.parametrize(("world", "bar"), [("screen", 0.9), ("hard_inference", 0.95), ("masked_bit", 0.8)])
def test_complexity_and_reads_rank_as_the_exact_ones(world: str, bar: float) -> None:
    seat = control_seat(world)
    meta, arrays = _shown(seat.case.world)
    found = calibration.calibrate(seat, [["complexity", [], {}], ["reads", [], {}]], meta, arrays, 0)
    assert all(c.usable and c.correlation is not None and bar < c.correlation < 1 for c in found)
    assert found[0].reporters == len(references(seat))


def test_change_is_the_complexity_of_the_difference_from_the_earlier_reporter() -> None:
    seat = control_seat("screen")
    meta, arrays = _shown(seat.case.world)
    (found,) = calibration.calibrate(seat, [["change", [], {}]], meta, arrays, 0)
    assert found.usable and found.correlation is not None and found.correlation > 0.9
    earlier = seat.case.world.earlier
    assert earlier is not None
    _, reporters = exact_of(seat.case.world, [earlier])
    assert soft_values(SoftView(meta, arrays), reporters, "change") == pytest.approx([0], abs=1e-9)


def test_rank_correlation_against_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 200).astype(float), rng.normal(size=200)
    assert rank_correlation(a, a + b) == pytest.approx(stats.spearmanr(a, a + b).statistic)
    assert rank_correlation(np.ones(5), np.arange(5.0)) is None


@pytest.mark.parametrize("world", ["screen", "masked_bit", "two_cue"])
@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_gradients_against_finite_differences(world: str, kind: str) -> None:
    view = soft_view(control_seat(world).case.world)
    network = Network(kind, view.read, len(view.questions), [1, 2])
    weights = [p.detach() for p in network.parameters]
    for k, flat in enumerate(weights):  # off the symmetric start, where several patterns are the largest at once
        flat += 0.1 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(k), dtype=flat.dtype)
    step = 1e-6
    for name, measure in SURROGATES.items():
        if name == "change" and view._earlier is None:
            continue

        def value() -> torch.Tensor:
            result: torch.Tensor = measure(view, SoftReporters(view, network)).values.sum()  # noqa: B023
            return result

        for parameter in network.parameters:
            parameter.grad = None
        total = value()
        if not total.requires_grad:  # a constant here: no relations, one predictor
            assert name in ("disagreement", "inconsistency")
            continue
        total.backward()  # type: ignore[no-untyped-call]
        for parameter, flat in zip(network.parameters, weights, strict=True):
            assert parameter.grad is not None
            place = tuple(int(k) for k in np.unravel_index(flat.numel() // 2, flat.shape))
            with torch.no_grad():
                ends = []
                for sign in (1, -1):
                    parameter[place] += sign * step
                    ends.append(float(value()))
                    parameter[place] -= sign * step
            slope = (ends[0] - ends[1]) / (2 * step)
            assert float(parameter.grad[place]) == pytest.approx(slope, rel=1e-4, abs=1e-6), name


# Training


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_a_seed_alone_ends_where_it_ends_in_the_batch(kind: str) -> None:
    meta, arrays = _shown(control_seat("hard_inference").case.world)
    given = {**meta, "knobs": {}, "reporter": kind}
    batch, alone = (Training({**given, "seeds": seeds}, arrays) for seeds in ([0, 1, 2, 3, 4], [3]))
    first = batch.network(batch.view.bits).detach()
    for _ in range(150):
        batch.step(with_complexity)
        alone.step(with_complexity)
    together, single = (t.network(t.view.bits).detach().numpy() for t in (batch, alone))
    assert np.abs(together[3] - single[0]).max() < 1e-6
    assert np.abs(together - first.numpy()).max() > 0.1
    assert np.abs(together[3] - together[2]).max() > 1e-4


def test_the_loss_alone_cannot_tell_and_complexity_can_where_inference_is_hard(folder: Path) -> None:
    told = gather(Here(loss), seat_of("human_simulator", folder), {}, Trained(24, steps=400), "direct_translator")
    assert told.honest is not None and 0 < told.honest < 24
    assert told.like == {"human_simulator": 24 - told.honest, "direct_translator": told.honest}
    assert told.honesty_fooled == pytest.approx(told.honest / 24)
    hopeful = gather(Here(with_complexity), control_seat("hard_inference"), {}, Trained(16, steps=400))
    assert (hopeful.honest, hopeful.like) == (16, {"direct_translator": 16})
    killed = gather(Here(with_complexity), seat_of("complex_translation", folder), {}, Trained(16, "linear", 400))
    assert (killed.honest, killed.like) == (0, {"human_simulator": 16})
    assert killed.same["human_simulator"] == ("upstream_simulator",)


def test_a_named_reporter_behaves_like_itself(folder: Path) -> None:
    seat = seat_of("fingerprint", folder)
    world = seat.case.world
    for name in ("fingerprint_simulator", "human_simulator", "direct_translator"):
        tables = seat.named[name].tables
        answers = np.stack([t(world.states, list(world.nodes)) for t in tables], axis=-1)[None]
        like, same = likeness(seat, answers, "direct_translator")
        (found,) = like
        assert name in (found, *same.get(found, ()))
    assert likeness(seat, np.full_like(answers, 0.5), None)[0] == {"none": 1}


@pytest.mark.parametrize("trials", [1, 7, 64])
def test_the_interval_is_clopper_and_pearsons(trials: int) -> None:
    for successes in {0, 1, trials // 2, trials}:
        expected = stats.binomtest(successes, trials).proportion_ci(0.95, method="exact")
        assert interval(successes, trials) == pytest.approx((expected.low, expected.high))


# What cannot be trained says so


def untrained(told: Evidence, *words: str) -> None:
    assert told.reason is not None and "\n" not in told.reason
    for word in words:
        assert word in told.reason
    assert (told.honest, told.interval, told.like, told.objective) == (None, None, {}, None)


def test_a_surrogate_that_ranks_otherwise_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "USABLE", 0.97)  # between complexity's here and 1
    here = Here(with_complexity)
    told = gather(here, control_seat("screen"), {}, Trained(4))
    untrained(told, "not trained", "complexity", "0.95")
    assert [c.usable for c in told.surrogates] == [True, False]
    assert [meta["do"] for meta, _ in here.asked] == ["begin"]


def test_what_has_no_surrogate_or_no_gradient() -> None:
    cases: list[tuple[Callable[..., Any], str]] = [
        (lambda reporters, view: loss(reporters, view) + view.leak(reporters), "no surrogate for leak"),
        (lambda reporters, view: loss(reporters, view) + reporters.depends.sum(), "no surrogate for reporters.depends"),
        (
            lambda reporters, view: loss(reporters, view) + (reporters.answers > 0.5).sum((1, 2)),
            "other has no gradient",
        ),
    ]
    for function, words in cases:
        untrained(gather(Here(function), control_seat("screen"), {}, Trained(4)), words, "not applicable")


def test_every_shipped_proposal_is_trained_or_says_which_measure_has_no_surrogate(folder: Path) -> None:
    seat = seat_of("human_simulator", folder)
    without = {}
    for name, entry in REGISTRY.proposals.items():
        file = keys.source(entry, entry.settings())
        with child_of(file) as child:
            told = gather(child, seat, file["knobs"], Trained(2, steps=2))
        assert all(c.usable for c in told.surrogates)
        if told.reason is None:
            assert sum(told.like.values()) == 2
        else:
            without[name] = told.reason
    line = "no surrogate for {}: not applicable to gradient descent"
    assert without == {
        "compress_state": line.format("leak"),
        "causal_interventions": line.format("intervention_error"),
    }


def test_a_term_of_ones_own_is_trained_on() -> None:
    def sure(reporters: Any, view: Any) -> Objective:
        spread = (reporters.answers - 0.5).abs().mean((1, 2)) if view.xp is torch else None
        return loss(reporters, view) + 3 + spread

    told = gather(Here(sure), control_seat("screen"), {}, Trained(4, steps=300))
    assert told.reason is None and told.objective is not None
    assert 3 < told.objective < 3 + np.log(2) + 0.01  # to say one half costs ln 2 and nothing else


# Nothing is taken on trust


def replaced(**values: Any) -> Callable[..., Any]:
    return lambda reply, sent: (reply, {k: v(sent[k]) for k, v in values.items()})


def leaking(answers: np.ndarray) -> np.ndarray:
    other = answers.copy()
    other[:, 1:, 0] = 0.25  # on a sibling, in a state that occurs elsewhere too
    return other


MALFORMED: list[tuple[str, Callable[..., Any], str]] = [
    ("answers", replaced(answers=lambda a: a[:, :, :, 0]), "shape"),
    ("answers", replaced(answers=lambda a: a + 1), "no probability"),
    ("answers", replaced(answers=lambda a: a * np.nan), "no probability"),
    ("answers", replaced(answers=lambda a: (a > 0.5).astype(np.int64)), "floats"),
    ("answers", replaced(), "got None"),
    ("train", replaced(objective=lambda v: v / 0.0), "not finite"),
    ("train", replaced(objective=lambda v: v[:1]), "shape"),
    ("begin", lambda reply, sent: ({}, {}), "list of at most"),
    ("begin", lambda reply, sent: ({"asked": [["__init__", [], {}]]}, {}), "asks for no measure"),
    ("begin", lambda reply, sent: ({"asked": [["cross_entropy", ["../truth"], {}]]}, {}), "asks for no measure"),
    ("begin", lambda reply, sent: ({"asked": [["parts", [3], {}]]}, {}), "argument"),
    ("begin", lambda reply, sent: ({"asked": [[["parts"], {}, 0]] * 3}, {}), "asks for no measure"),
]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize(("step", "instead", "words"), MALFORMED)
def test_bad_output_is_refused(step: str, instead: Callable[..., Any], words: str) -> None:
    told = gather(Here(loss, **{step: instead}), control_seat("masked_bit"), {}, Trained(3, steps=8))
    untrained(told, "malformed", words)


def test_an_answer_that_is_no_function_of_readable_bits_is_refused(folder: Path) -> None:
    seat = seat_of("agreement_on_simulator", folder)
    told = gather(Here(loss, answers=replaced(answers=leaking)), seat, {}, Trained(3, steps=8))
    untrained(told, "malformed", "no function of the nodes")


def test_what_is_sent_does_not_depend_on_the_truth() -> None:
    seat = control_seat("hard_inference")
    world = seat.case.world
    lied = Seat(replace(seat.case, world=replace(world, truth=np.where(world.truth < 0, world.truth, 1 - world.truth))))
    sent = []
    for each in (seat, lied):
        meta, arrays = _shown(each.case.world)
        sent.append((json.dumps(meta), {k: (v.dtype.str, v.shape, v.tobytes()) for k, v in arrays.items()}))
        assert not any("truth" in k for k in (*meta, *arrays))
    assert sent[0] == sent[1]


def proposal_file(tmp_path: Path, body: str) -> Mapping[str, Any]:
    text = f"from elk_sandbox import Objective, Reporters, View, proposal\n\n\n{body}"
    return {"path": str(tmp_path / "mine.py"), "text": text, "name": "mine", "knobs": {}}


def trained_in_a_child(tmp_path: Path, body: str, seat: Seat, **how: Any) -> Evidence:
    with child_of(proposal_file(tmp_path, body)) as child:
        return gather(child, seat, {}, Trained(4, **how))


def test_a_child_trains_as_this_process_does_and_knows_no_truth(tmp_path: Path) -> None:
    body = """
def mine(reporters, view):
    import gc, sys
    known = {m.partition(".")[2] for m in sys.modules if m.startswith("elk_sandbox.")}
    assert not known & {"world", "worlds", "judge", "seats", "translators", "cells", "evidence.gather"}, known
    assert not [o for o in gc.get_objects() if isinstance(o, dict) and "truth" in o and "weights" in o]
    for module in ("elk_sandbox.worlds", "elk_sandbox.seats", "rlhf_lab"):
        try:
            __import__(module)
        except ImportError:
            continue
        raise AssertionError(module)
    try:
        open("/proc/self/mem" if sys.platform != "linux" else view.__class__.__bases__[0].__init__.__code__.co_filename)
    except PermissionError:
        pass
    return view.cross_entropy(reporters)
"""
    seat = control_seat("screen")
    told = trained_in_a_child(tmp_path, body, seat, steps=60)
    assert told.reason is None
    assert replace(told, seconds=0) == replace(gather(Here(loss), seat, {}, Trained(4, steps=60)), seconds=0)


def test_faults_of_a_file_are_told_with_its_line(tmp_path: Path) -> None:
    numpy_term = (
        "import numpy as np\n\ndef mine(reporters, view):\n    return np.log(reporters.answers).sum(axis=(1, 2))\n"
    )
    told = trained_in_a_child(tmp_path, numpy_term, control_seat("screen"))
    untrained(told, "mine.py:7", "view.xp in place of numpy")
    told = trained_in_a_child(tmp_path, "def mine(reporters, view):\n    raise SystemExit(3)\n", control_seat("screen"))
    untrained(told, "mine.py:5", "leave")


# The command


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ELK_SANDBOX_HOME": str(home)}
    command = [sys.executable, "-m", "elk_sandbox", "judge", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120)


def test_the_verdict_is_the_same_with_seeds_and_without(folder: Path) -> None:
    what = ("complexity", "human_simulator", "--draws", "0", "--json")
    plain, beside = run(*what, home=folder), run(*what, "--seeds", "6", "--steps", "80", home=folder)
    assert (plain.returncode, beside.returncode, beside.stderr) == (0, 0, "")
    cell, other = json.loads(plain.stdout), json.loads(beside.stdout)
    evidence = other.pop("evidence")
    assert {**cell, "seconds": 0} == {**other, "seconds": 0}
    assert (evidence["seeds"], evidence["reporter"], evidence["steps"], evidence["reason"]) == (6, "mlp", 80, None)
    assert sum(evidence["like"].values()) == 6
    assert evidence["isolation"] == cell["isolation"]
    kept = [json.loads(file.read_text()) for file in (folder / "cells").rglob("*.json")]
    assert kept and not any("evidence" in json.dumps(each) for each in kept)


def test_seeds_are_about_one_cell(folder: Path) -> None:
    done = run("complexity", "--seeds", "4", home=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "name a counterexample" in done.stderr


def test_the_report_says_that_it_is_no_verdict(folder: Path) -> None:
    done = run("compress_state", "human_simulator", "--draws", "0", "--seeds", "4", home=folder)
    assert "evidence beside the verdict, which it does not touch" in done.stdout
    assert "no surrogate for leak: not applicable to gradient descent" in done.stdout
