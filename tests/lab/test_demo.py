"""The demo as a reader runs it, one seed: over-optimisation is seen; the README's commands work on what it leaves."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.store import open_store
from elk_sandbox.terminal import InputError
from rlhf_lab import raters
from rlhf_lab.demo import Demo
from rlhf_lab.demo_log import SEED
from rlhf_lab.labels import Text, create_pool, label_with
from rlhf_lab.presets import PretrainConfig

ROOT = Path(__file__).parents[2]
DEMO = ("demo", "--json")
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.removeprefix("$ rlhf-lab ").partition("  #")[0].strip()
    for line in README.splitlines()
    if re.match(r"\$ rlhf-lab (?!demo)", line)
]


def lab(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rlhf_lab", *words], cwd=ROOT, env=os.environ | {"ELK_SANDBOX_HOME": str(home)},
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(home: Path) -> dict[str, Any]:
    done = lab(home, *DEMO)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.alone  # its numbers are those of two threads
def test_gold_peaks_before_the_stop_and_falls_while_the_proxy_rises(told: dict[str, Any], home: Path) -> None:
    fall, shown = told["fall"], json.loads(lab(home, "show", "demo-ppo", "--json").stdout)
    assert told["peak_nats"] < 10 < 25 <= shown["metrics"]["kl/exact"]["value"]  # of the batch that ended it
    assert fall["held_out"]["fall"] > 2 * fall["held_out"]["error"] > 0
    assert fall["sentiment"]["fall"] > 2 * fall["sentiment"]["error"] > 0, "not mere gibberish"
    assert "the proxy rises throughout" in told["headline"]
    gold = {row["checkpoint"]: row["gold"] for row in told["checkpoints"]}
    assert gold["gold's peak"] > max(gold["original"], gold["end"])


@pytest.mark.slow
@pytest.mark.alone
def test_what_it_leaves_is_whole_and_a_second_call_does_nothing_again(told: dict[str, Any], home: Path) -> None:
    assert all(Path(file).stat().st_size > 0 for file in told["files"])
    assert {Path(file).suffix for file in told["files"]} == {".png", ".html"}
    again = json.loads(lab(home, *DEMO).stdout)
    assert again.pop("seconds") < told.pop("seconds")
    assert again == told


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme(command: str, told: dict[str, Any], home: Path) -> None:
    done = lab(home, *shlex.split(command))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) > 5


def test_the_readme_has_commands() -> None:
    assert len(COMMANDS) == len(re.findall(r"^\$ rlhf-lab (?!demo)", README, re.M)) > 5


def test_a_demo_of_other_settings_is_refused(tmp_path: Path) -> None:
    """Nothing is taken from one demo into another: the control would be the run that it is to be compared with."""
    with open_store(tmp_path) as store:
        base = jobs.create(store, tmp_path, "demo-base", "pretrain", vars(PretrainConfig(seed=SEED)), {})
        with pytest.raises(InputError, match="demo-base was made with another seed: --name OTHER"):
            Demo(store, tmp_path, seed=7).go()
        jobs.execute(base, lambda run: None)
        create_pool(store, "demo-pool", [Text("Joan: Joy.", (1, 2), "demo-base")], seed=0)
        label_with(store, "demo-pool", raters.make("counter"), np.random.default_rng(0))
        with pytest.raises(InputError, match="demo-pool was labelled by 'counter', not 'careful'"):
            Demo(store, tmp_path, rater="careful").go()
