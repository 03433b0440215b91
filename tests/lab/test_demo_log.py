"""What a demo's panel and its command say of the time that is left."""

import time
from pathlib import Path

import pytest

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.store import Store, open_store
from elk_sandbox.runtime.tables import Progress
from elk_sandbox.terminal import InputError
from rlhf_lab.demo import Demo
from rlhf_lab.demo_log import STEP, STEPS, at_work, time_left

SECONDS = [step.seconds for step in STEPS.values()]


def test_at_the_usual_pace_the_time_left_is_the_usual_one() -> None:
    number = list(STEPS).index("ppo") + 1
    left = time_left(number, 0.25, Progress(0.25, 1.0, "", 0.75 * STEPS["ppo"].seconds, 0.0))
    assert left == pytest.approx(sum(SECONDS[number - 1 :]) - 0.25 * STEPS["ppo"].seconds)


@pytest.mark.parametrize("slower", [1.0, 7.0])
@pytest.mark.parametrize("done", [0.1, 0.6])  # of both reward models: within the first, within the second
def test_a_slower_machine_takes_as_much_longer_for_all_of_it(slower: float, done: float) -> None:
    number, one = list(STEPS).index("reward") + 1, STEPS["reward"].seconds / 2
    share = 2 * done % 1
    left = time_left(number, done, Progress(share, 1.0, "", slower * one * (1 - share), 0.0))
    assert left == pytest.approx(slower * (sum(SECONDS[number - 1 :]) - done * STEPS["reward"].seconds))


def test_the_demo_s_time_is_never_less_than_its_step_s() -> None:
    for number in (k for k, step in enumerate(STEPS.values(), 1) if step.runs):
        left = time_left(number, 0.5, Progress(1, 2, "", 1000.0, 0.0))
        assert left is not None and left >= 1000


def test_a_run_that_is_over_says_nothing_of_what_comes_after_it() -> None:
    assert time_left(3, 0.5, Progress(60, 60, "judging it", 0.0, 0.0)) is None


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def test_a_step_is_as_far_as_its_runs(store: Store, tmp_path: Path) -> None:
    job, number = Detached(tmp_path / "background", "demo"), list(STEPS).index("reward") + 1
    assert at_work(job, store, "demo", number) is None
    for k, role in enumerate(("reward", "second")):
        jobs.create(store, tmp_path, f"demo-{role}", "reward", {}, {})
        said = Progress(1, 4, f"step 1 of {role}", 3.0, time.time())
        store.mark_progress(f"demo-{role}", said)
        assert at_work(job, store, "demo", number) == ((k + 0.25) / 2, said)


def test_training_is_not_taken_for_the_evaluation_that_its_run_tells(store: Store, tmp_path: Path) -> None:
    job = Detached(tmp_path / "background", "demo")
    jobs.create(store, tmp_path, "demo-ppo", "ppo", {}, {})
    ppo, evaluate = (list(STEPS).index(step) + 1 for step in ("ppo", "evaluate"))
    for words, of, other in (("iteration 9", ppo, evaluate), ("evaluating", evaluate, ppo)):
        store.mark_progress("demo-ppo", Progress(1, 2, words, 3.0, time.time()))
        assert at_work(job, store, "demo", of) and at_work(job, store, "demo", other) is None


def test_what_an_earlier_attempt_said_is_not_this_one_s(store: Store, tmp_path: Path) -> None:
    job = Detached(tmp_path / "background", "demo")
    job.folder.mkdir()
    jobs.create(store, tmp_path, "demo-base", "pretrain", {}, {})
    store.mark_progress("demo-base", Progress(1, 2, "step 1", 3.0, time.time() - 60))
    assert at_work(job, store, "demo", 1)
    (job.folder / "demo.pid").write_text("1")
    assert at_work(job, store, "demo", 1) is None


def test_before_anything_is_timed_the_command_says_what_its_guess_rests_on(store: Store, tmp_path: Path) -> None:
    jobs.create(store, tmp_path, "demo-base", "pretrain", {}, {})  # of other settings: it ends there
    lines: list[str] = []
    with pytest.raises(InputError, match="demo-base was made with another"):
        Demo(store, tmp_path, tell=lines.append).go()
    (found,) = STEP.findall(lines[0])
    assert found[0] == "1" and found[4] == "4 min on two idle cores"
