"""A small workspace of the lab, made once by the command line: base, pool, two reward models, and two policies."""

import shlex
from pathlib import Path

import pytest

from rlhf_lab.stage import corpus_text
from tests.lab.test_cli import PPO, SMALL, said


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`policy` is evaluated and has a closeup; `fresh` is not and has none."""
    folder = tmp_path_factory.mktemp("pages")
    text = folder / "stage.txt"
    text.write_text(corpus_text(0, 60_000))
    said(folder, "pretrain", "base", "--corpus", str(text), "--tokenizer", "word", *SMALL)
    said(folder, "sample", "base", "--count", "80", "--pool", "first")
    said(folder, "label", "first", "--simulate", "counter")
    for name, head in (("rm", "every"), ("pooled", "pooled")):
        said(folder, *shlex.split(f"reward {name} --base base --pool first --head {head} --epochs 2 --threads 1"))
    for name in ("policy", "fresh"):
        said(folder, "ppo", name, "--base", "base", "--reward", "rm", "--spacing", "0.01", *PPO)
    said(
        folder, "evaluate", "policy", "--gold", "careful", "--second", "pooled", "--completions", "40", "--pool", "200"
    )
    said(folder, "closeup", "policy")
    return folder
