"""A PPO run: its checkpoints, its stop, and that it goes on to the same bits after any death."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store, open_store
from elk_sandbox.terminal import InputError
from rlhf_lab import checkpoints
from rlhf_lab.models import LanguageModel, digest, load_model, save_model
from rlhf_lab.ppo_run import policies, ppo
from rlhf_lab.settings import PpoConfig, settings_of
from rlhf_lab.stages import work
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Shape, Transformer

TEXT = (
    "I have joy and no grief.\nI have lost bliss.\n\nThe day is plain, and I am merry.\n\nMy heart is full of sorrow."
)
SMALL = {
    "batch": 32, "minibatch": 16, "length": 8, "learning_rate": 5e-3, "warmup": 2, "constants": 64, "kl_stop": 3.0,
    "iterations": 30, "save_every": 0.0, "threads": 1, "reward_as": "logit",
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def base(store: Store, home: Path, name: str = "base", seed: int = 0) -> Run:
    """A run with a model that was never trained: PPO does not ask how good it is."""
    run = jobs.create(store, home, name, "pretrain", {}, {})
    tokenizer = Tokenizer.train("word", TEXT)
    model = Transformer(Shape(tokenizer.size, 16, 2, 2, 16), torch.Generator().manual_seed(seed))
    jobs.execute(run, lambda r: save_model(r.folder / "model", LanguageModel(model, tokenizer)))
    return run


def start(store: Store, home: Path, name: str, **changes: object) -> Run:
    config = vars(settings_of(PpoConfig, SMALL | changes))
    return jobs.create(store, home, name, "ppo", config, {"base": "base", "reward": "rater:counter"})


def finished(store: Store, home: Path, name: str, **changes: object) -> Run:
    run = start(store, home, name, **changes)
    assert jobs.execute(run, work) == "done", store.run(name).message
    return run


def stop_after(run: Run, iterations: int) -> None:
    """Make the run hear a request to stop in this iteration."""
    seen = 0

    def tell(done: float, total: float, words: str) -> None:
        nonlocal seen
        seen += 1
        run.signalled = seen == iterations

    run.progress = tell  # type: ignore[method-assign]


def bits(run: Run) -> tuple[dict[str, list[tuple[int, float]]], dict[int, str]]:
    """All metrics but the clock's, and the hash of each checkpoint's weights."""
    metrics = {key: steps for key, steps in run.metrics().items() if not key.startswith("time/")}
    return metrics, {i: digest(load_model(folder)[0].model) for i, folder in policies(run)}


def test_it_begins_at_the_original_and_stops_at_the_first_iteration_beyond_the_stop(
    store: Store, tmp_path: Path
) -> None:
    original = base(store, tmp_path)
    run = finished(store, tmp_path, "run")
    metrics, weights = bits(run)
    kl = dict(metrics["kl/exact"])
    assert kl[0] == 0
    assert weights[0] == digest(load_model(original.folder / "model")[0].model)
    last = max(kl)
    assert kl[last] >= 3 and all(value < 3 for step, value in kl.items() if step < last)
    assert max(dict(metrics["loss"])) == last - 1  # no update beyond the stop
    assert set(dict(metrics["ratio/error_before"]).values()) == {0.0}
    marks = [np.sqrt(kl[i]) for i in weights]
    assert all(int(b / 0.25) > int(a / 0.25) for a, b in itertools.pairwise(marks[1:-1]))
    assert metrics["reward/proxy"][-1][1] > metrics["reward/proxy"][0][1]


def test_past_the_stop_it_runs_on_and_the_negative_twin_goes_the_other_way(store: Store, tmp_path: Path) -> None:
    base(store, tmp_path)
    far = bits(finished(store, tmp_path, "far", past_stop=5.0))[0]
    assert far["kl/exact"][-1][1] >= 5
    near = bits(finished(store, tmp_path, "near"))[0]
    assert near["kl/exact"] == far["kl/exact"][: len(near["kl/exact"])]
    twin = bits(finished(store, tmp_path, "twin", target="negative"))[0]
    assert twin["reward/proxy"][0][1] == pytest.approx(-near["reward/proxy"][0][1], abs=1e-6)
    assert twin["reward/proxy"][-1][1] > twin["reward/proxy"][0][1]


@pytest.mark.parametrize("extra", [{}, {"precision": "bf16", "epochs": 2, "kl_penalty": 0.05}])
def test_stopped_after_any_iteration_it_goes_on_to_the_same_bits(
    store: Store, tmp_path: Path, extra: dict[str, object]
) -> None:
    base(store, tmp_path)
    whole = bits(finished(store, tmp_path, "whole", iterations=8, kl_stop=99.0, **extra))
    run = start(store, tmp_path, "cut", iterations=8, kl_stop=99.0, **extra)
    ends = []
    while not ends or ends[-1] != "done":
        run = jobs.open_run(store, tmp_path, "cut")
        stop_after(run, 2)
        ends.append(jobs.execute(run, work))
        assert ends[-1] in ("stopped", "done")
    assert len(ends) > 3
    assert bits(run) == whole


def test_a_run_that_goes_on_takes_back_what_it_is_about_to_redo(store: Store, tmp_path: Path) -> None:
    base(store, tmp_path)
    run = start(store, tmp_path, "run", iterations=8, kl_stop=99.0)
    stop_after(run, 2)
    assert jobs.execute(run, work) == "stopped"
    kept = bits(run)[0]
    store.record("run", [("kl/exact", step, 77.0) for step in (2, 3, 90)])  # of an attempt that was killed
    again = jobs.open_run(store, tmp_path, "run")
    stop_after(again, 1)
    assert jobs.execute(again, work) == "stopped"
    found = bits(again)[0]["kl/exact"]
    assert found[: len(kept["kl/exact"])] == kept["kl/exact"] and 77.0 not in [value for _, value in found]


def test_a_changed_base_another_machine_and_a_bad_state_are_told(store: Store, tmp_path: Path) -> None:
    original = base(store, tmp_path)
    run = start(store, tmp_path, "run", kl_stop=99.0, iterations=5)
    stop_after(run, 1)
    assert jobs.execute(run, work) == "stopped"
    language, _ = load_model(original.folder / "model")
    with torch.no_grad():
        language.model.norm.weight += 1
    save_model(original.folder / "model", language)
    with pytest.raises(InputError, match="not the one that this run began with"):
        ppo(PpoConfig(**run.config), run)
    with pytest.raises(InputError, match="threads 1 then, 2 now"):
        ppo(PpoConfig(**{**run.config, "threads": 2}), run)
    torch.set_num_threads(1)


def test_a_reward_model_that_was_made_anew_meanwhile_is_told(store: Store, tmp_path: Path) -> None:
    base(store, tmp_path)
    config = vars(settings_of(PpoConfig, SMALL))
    run = jobs.create(store, tmp_path, "run", "ppo", config, {"base": "base", "reward": "rater:counter"})
    stop_after(run, 1)
    assert jobs.execute(run, work) == "stopped"
    (tmp_path / "runs" / "rater:counter").mkdir()
    save_model(tmp_path / "runs" / "rater:counter" / "model", load_model(tmp_path / "runs" / "base" / "model")[0])
    with pytest.raises(InputError, match="the reward model 'rater:counter' is not the one that this run began with"):
        ppo(PpoConfig(**run.config), run)


def test_a_run_begun_anew_leaves_no_checkpoint_of_the_attempt_before(store: Store, tmp_path: Path) -> None:
    language, _ = load_model(base(store, tmp_path).folder / "model")
    run = start(store, tmp_path, "run", iterations=1)
    save_model(run.folder / "checkpoints" / "000077", language)
    assert jobs.execute(run, work) == "done"
    assert 77 not in [at for at, _ in policies(run)]


def test_a_base_of_too_short_a_context_is_refused(store: Store, tmp_path: Path) -> None:
    base(store, tmp_path)
    assert jobs.execute(start(store, tmp_path, "run", length=16), work) == "failed"
    assert "choose a shorter --length" in store.run("run").message


def test_a_truncated_state_falls_back_to_the_one_before_it(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base(store, tmp_path)
    whole = bits(finished(store, tmp_path, "whole", iterations=6, kl_stop=99.0))
    run = start(store, tmp_path, "cut", iterations=6, kl_stop=99.0)
    stop_after(run, 4)
    assert jobs.execute(run, work) == "stopped"
    newest = max((run.folder / "resume").glob("0*"))
    file = newest / checkpoints.TENSORS
    file.write_bytes(file.read_bytes()[:-7])
    again = jobs.open_run(store, tmp_path, "cut")
    assert jobs.execute(again, work) == "done"
    assert str(file) in "".join(capsys.readouterr().err.split("\n"))
    assert bits(again) == whole
