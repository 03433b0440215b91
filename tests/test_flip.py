"""`elk-sandbox flip` as a user runs it: the terminal, JSON, the picture, and one line for what she got wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg

from elk_sandbox.palette import PAPER, STATES
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.symbolic.flip import find
from elk_sandbox.symbolic.plane import plane_figure

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def run(*arguments: str, home: Path, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ELK_SANDBOX_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "elk_sandbox", "flip", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


def told(*arguments: str, home: Path) -> dict[str, Any]:
    done = run(*arguments, "--json", home=home)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_fingerprints_threshold_on_the_terminal(home: Path) -> None:
    done = run("specificity", "fingerprint", "--over", "n,length", home=home)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("specificity x fingerprint   over n (atoms) odd, from 3, length above 0")
    assert "objective   J = L(viewer) + length K + ln N" in lines
    assert "            length⋅(3 - n)⋅(n + 1)" in lines
    assert "verdict     n = 3: killed, tie" in lines
    assert "verdict     n from 5 on: killed, strict (n looked at up to 21)" in lines
    assert "flips       between n = 3 and 5, from killed, tie to killed, strict" in lines
    assert lines[-1].startswith("judge       enumerates the same at 2 points")


def test_the_contested_assumption(home: Path) -> None:
    done = run("computation_time", "cheap_simulation", home=home)
    assert "verdict     killed, strict" in done.stdout
    assert "contested   rests on an assumption; without it, --set cached=false --set pixels=7" in done.stdout
    done = run("computation_time", "cheap_simulation", "--over", "n,r", "--set", "cached=false", home=home)
    assert "killed, strict for r < n; killed, tie for r = n; survives for r >= n + 2" in done.stdout
    assert "contested" not in done.stdout


def test_json_of_a_border_in_closed_form(home: Path) -> None:
    found = told("complexity", "human_simulator", "--over", "misreading,weight", home=home)
    first, second = found["borders"]
    assert first["weight"]["form"] == "3*misreading*log(10)/2"
    assert first["misreading"]["to"] == second["misreading"]["from"] == pytest.approx(0.0223670, abs=1e-6)
    assert (first["before"], first["after"]) == (["killed, strict"], ["survives"])
    assert {r["honest"] for r in found["regions"]} == {
        "direct_translator", "direct_translator_softened", "direct_translator_hedged",
    }  # fmt: skip
    assert found["over"][1] == {"name": "weight", "symbol": "weight", "kind": "weight", "low": 0.0, "high": None}
    assert found["judge"]["agrees"] is True
    assert all(abs(p["judge"] - p["closed"]) < 1e-9 for p in found["judge"]["points"])


def test_a_users_file_with_standard_terms(home: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from elk_sandbox import Objective, Reporters, View, proposal\n\n\n"
        "@proposal(source='a test', needs=('complexity',))\n"
        "def mine(reporters: Reporters, view: View, *, price: float = 0.1, pixels: float = 1.0) -> Objective:\n"
        "    cost = price * view.complexity(reporters) + pixels * view.downstream(reporters)\n"
        "    return view.cross_entropy(reporters) + cost\n"
    )
    found = told(str(mine), "screen", "--over", "price,pixels", home=home)
    assert found["difference"] == "-price + Min(2*price, pixels + price)"
    assert {r["verdict"] for r in found["regions"]} == {"survives"}
    mine.write_text(mine.read_text().replace("view.downstream(reporters)", "reporters.answers.mean(axis=(1, 2))"))
    assert refused(str(mine), "screen", home=home) == (
        "elk-sandbox: mine: it uses reporters.answers, which is no term of the View; flip needs a weighted sum of the "
        "View's own terms, such as view.cross_entropy(reporters): judge it at several --set values instead"
    )
    mine.write_text(mine.read_text().replace("reporters.answers", "1 / 0 + reporters.answers"))
    fault = f"elk-sandbox: {mine}:6: ZeroDivisionError: float division by zero"
    assert refused(str(mine), "screen", home=home) == fault


def refused(*arguments: str, home: Path) -> str:
    done = run(*arguments, home=home)
    assert (done.returncode, done.stdout) == (2, ""), done
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("complxity", "fingerprint"), "did you mean 'complexity'?"),
        (("complexity", "fingerprin"), "did you mean 'fingerprint'?"),
        (("complexity", "masked_bits"), "did you mean 'masked_bit'?"),
        (("complexity", "coherent_world"), "coherent_world.py has none: judge it at several --set values instead, or"),
        (("complexity", "fingerprint", "--over", "n,wieght"), "nothing is called 'wieght' here; did you mean"),
        (("complexity", "fingerprint", "--over", "n,tamper"), "the difference does not depend on tamper"),
        (("downstream", "fingerprint", "--over", "n,weight"), "depend on n: killed, tie whatever it is, since"),
        (("complexity", "fingerprint", "--over", "n,atoms"), "--over names 'n' twice"),
        (("complexity", "fingerprint", "--over", "n,weight,tamper"), "--over takes one parameter or two"),
        (("complexity", "fingerprint", "--over", "n", "--set", "n=5"), "atoms is in --over and cannot be set as well"),
        (("complexity", "fingerprint", "--set", "atoms=4"), "atoms=4: closed forms are for an odd number of"),
        (("complexity", "fingerprint", "--set", "wieght=4"), "no knob 'wieght'; did you mean 'weight'?"),
        (("complexity", "fingerprint", "--set", "x.weight=4"), "nothing here is called 'x'"),
        (("complexity", "free", "--set", "diamond=0.3"), "the closed forms of free are those for diamond=0.5"),
        (("downstream+complexity", "fingerprint", "--over", "weight"), "which, downstream.weight, complexity.weight"),
        (("complexity+complexity", "fingerprint"), "names a proposal twice"),
        (("consistency", "simple_steganography"), "no closed form of inconsistency is known in simple_steganography"),
        (("complexity", "fingerprint", "--over", "n", "--png", "x.png"), "--png draws a plane"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(arguments: tuple[str, ...], words: str, home: Path) -> None:
    assert words in refused(*arguments, home=home)


def test_a_copy_of_a_counterexample_has_no_closed_form(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "fingerprint.py"
    copy.write_text((REPOSITORY / "proposals/counterexamples/fingerprint.py").read_text() + "\n# mine\n")
    words = refused("complexity", str(copy), home=home)
    assert words.startswith(f"elk-sandbox: flip needs a world with closed forms, and {copy} is not the shipped file")


def test_a_world_of_the_users_is_told_what_flip_needs(home: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.py"
    trap.write_text((REPOSITORY / "proposals/counterexamples/_template.py").read_text())
    words = refused("complexity", str(trap), home=home)
    assert words.startswith(f"elk-sandbox: flip needs a world with closed forms, and {trap} has none: ")
    assert words.endswith("screen, hard_inference, masked_bit, free")


def test_a_disagreement_with_the_judge_is_our_fault_and_shown(home: Path) -> None:
    """A reward for reads: the judge lists slow honest candidates that the scene does not."""
    done = run("computation_time", "fingerprint", "--set", "weight=-0.1", "--over", "n", home=home)
    assert done.returncode == 1
    assert "judge       DISAGREES at atoms=5: 0.315625 nats by enumeration" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("elk-sandbox: the judge DISAGREES") and "Trust the judge" in line


@pytest.mark.parametrize(
    ("arguments", "over", "settings"),
    [
        (("specificity", "masked_bit"), None, ()),
        (("complexity", "human_simulator"), "misreading,weight", ()),
        (("computation_time", "cheap_simulation"), "n,r", ("cached=false",)),
    ],
)
def test_no_border_crosses_a_label(arguments: tuple[str, str], over: str | None, settings: tuple[str, ...]) -> None:
    figure = plane_figure(find(Registry.scan(REPOSITORY / "proposals", packages=False), *arguments, over, settings))
    renderer = FigureCanvasAgg(figure).get_renderer()
    (axes,) = figure.axes
    assert axes.texts
    grid = [line for line in axes.lines if line.get_color() == PAPER.light]  # hidden by the labels' ground
    borders = [line.get_transform().transform_path(line.get_path()) for line in axes.lines if line not in grid]
    for text in axes.texts:
        box = text.get_window_extent(renderer)
        assert not any(border.intersects_bbox(box, filled=False) for border in borders), text.get_text()
        assert axes.bbox.x0 < box.x0 < box.x1 < axes.bbox.x1, text.get_text()


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("specificity", "fingerprint", "--over", "n,length"), {"strict", "tie"}),
        (("complexity", "human_simulator"), {"strict", "survives"}),
        (("computation_time", "cheap_simulation", "--over", "n,r", "--set", "cached=false"), set(STATES) - {"good"}),
        (("auxiliary_ai", "simple_steganography", "--over", "tamper,noise"), {"strict", "survives"}),
    ],
)
def test_the_picture_has_the_verdicts_colours(
    arguments: tuple[str, ...], shown: set[str], home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "plane.png"
    done = run(*arguments, "--png", str(path), home=home)
    assert (done.returncode, done.stderr) == (0, "")
    pixels = np.rint(image.imread(path)[..., :3] * 255).astype(int)
    for verdict in ("strict", "tie", "survives"):
        area = (pixels == list(bytes.fromhex(STATES[verdict].fill.light[1:]))).all(axis=2).mean()
        assert (area > 0.02) == (verdict in shown), (verdict, area)
    assert pixels[0, 0].tolist() == [255, 255, 255]  # opaque, so that it can be read on a dark page
