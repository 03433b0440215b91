"""The report: all that it must hold is there, what a user wrote is escaped, nothing is fetched; and in a browser."""

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store, open_store
from rlhf_lab.analysis import analyse, figures_of, report_of, reward_section, shown, summary, write
from rlhf_lab.evaluation import Evaluation
from rlhf_lab.figures import Picture, factors_picture
from rlhf_lab.findings import checkpoint_table, headline
from rlhf_lab.overoptimization import turn
from rlhf_lab.report import Report, Sample, Samples, Section, page
from rlhf_lab.settings import PpoConfig
from tests.chromium import CHROMIUM
from tests.html import FETCHES, Parsed
from tests.lab import test_reward_run as reward_runs
from tests.lab.simulated import run

ATTACK = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>\"'"
CURVE = run()


def report(text: str = "Farewell, joy.", picture: Picture | None = None) -> Report:
    drawn = picture or factors_picture(CURVE, 10.0)
    columns = tuple(
        Samples(f"{where} {text}", text, (Sample(text, 1.5, -0.25, False), Sample("So be it", 0.1, 0.5)))
        for where in ("original", "peak", "end")
    )
    sections = (Section(text, (text, drawn, checkpoint_table(CURVE), columns)),)
    return Report(text, text, headline(turn(CURVE)), (text,), {text: text}, sections, (text, "One seed."))


def test_everything_is_there() -> None:
    picture = factors_picture(CURVE, 10.0)
    found = Parsed(page(report("A title", picture)))
    for words in (headline(turn(CURVE)), "A title", "original A title", "One seed.", picture.caption, "What was run"):
        assert words in found.text
    table = checkpoint_table(CURVE)
    for cell in (*table.columns, *(cell for row in table.rows for cell in row), table.note):
        assert cell in found.text
    assert found.text.count("proxy 1.5 · gold -0.25 · not well formed") == 3
    assert found.text.count("proxy 0.10 · gold 0.50") == 3
    assert found.tags.count("td") == len(table.rows) * (len(table.columns) - 1)
    assert {name for _, name, value in found.attributes if value == picture.alt} == {"alt"}


def test_figures_are_inside_bit_for_bit() -> None:
    picture = factors_picture(CURVE, 10.0)
    (source,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page(report(picture=picture)))
    assert b64decode(source) == picture.png


def test_nothing_is_fetched_and_nothing_runs() -> None:
    text = page(report(ATTACK))
    found = Parsed(text)
    asked = [value for _, name, value in found.attributes if name in FETCHES]
    assert len(asked) == 1 and str(asked[0]).startswith("data:image/png;base64,")
    assert {"script", "link", "iframe", "object", "a", "form"} & set(found.tags) == set()
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    style = re.sub(r"src=\"data:[^\"]+\"", "", text)
    assert "url(" not in style and "@import" not in style and "//" not in style.replace("</", "")
    policy = [v for tag, name, v in found.attributes if (tag, name) == ("meta", "content")]
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in policy


def test_every_text_of_the_user_is_escaped() -> None:
    picture = Picture("x", ATTACK, b"\x89PNG", ATTACK, ATTACK)
    text = page(report(ATTACK, picture))
    found = Parsed(text)
    assert "<script" not in text and "onerror=alert(2)>" not in text
    above = 6  # <title>, heading, subtitle, mark, a fact and its name
    assert found.text.count(ATTACK) == above + 2 + 2 + 3 * 3 + 1  # section, picture, samples, caveat
    assert sum(value == ATTACK for _, _, value in found.attributes) == 2  # alt and aria-label
    assert unescape(re.search(r"<title>(.*?)</title>", text).group(1)) == ATTACK  # type: ignore[union-attr]


def test_what_is_empty_has_no_heading() -> None:
    bare = Parsed(page(Report("t", "s", "h", (), {}, (), ())))
    assert "Caveats" not in bare.text and "What was run" not in bare.text and "ul" not in bare.tags


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def policy(store: Store, home: Path, reward: str, error: float = 0.0, outside: float = 0.05, apart: float = 0.0) -> Run:
    """A ppo run with the metrics of CURVE's iterations, but no checkpoints."""
    config = vars(PpoConfig(kl_stop=8.0, past_stop=25.0))
    run = jobs.create(store, home, "policy", "ppo", config, {"base": "base", "reward": reward})
    for step, nats in zip(CURVE.steps.tolist(), CURVE.nats.tolist(), strict=True):
        run.log(step, {"kl/exact": nats, "clip/outside": outside, "clip/clipped": outside / 2})
        run.log(step, {"ratio/error_before": error if step == 8 else 0.0, "ratio/mismatch": apart})
    return run


def evaluation() -> Evaluation:
    proxy = np.random.default_rng(0).normal(size=4096)
    texts = [["I have joy."]] * len(CURVE.steps)
    return Evaluation(CURVE, texts, proxy, -(proxy**2), None, [], {"gold": "careful", "completions": 300})


def reported(run: Run) -> Report:
    found = analyse(run, evaluation(), draws=50)
    return report_of(run, found, figures_of(run, found))


def test_the_reward_model_stands_beside_its_bag_of_words(store: Store, tmp_path: Path) -> None:
    reward_runs.prepared(store, tmp_path)
    for name, held_out in (("rm", 0.25), ("all", 0.0)):
        trained = reward_runs.start(store, tmp_path, name, held_out=held_out)
        assert jobs.execute(trained, reward_runs.work) == "done"
    run = policy(store, tmp_path, "rm")
    found = analyse(run, evaluation(), draws=50)
    pictures = figures_of(run, found)
    (section,) = (
        s for s in report_of(run, found, pictures).sections if s.title == "Reward model beside a bag of words"
    )
    table, picture = section.blocks
    assert table == reward_section(run).blocks[0] and "On 20 labels held out" in table.note  # type: ignore[union-attr]
    assert picture is pictures[-1] and picture.name == "reward"
    run.parents["reward"] = "all"
    assert reward_section(run) is None and "reward" not in {p.name for p in figures_of(run, found)}
    run.parents["reward"] = "rater:careful"
    assert reward_section(run) is None


@pytest.mark.parametrize(("reward", "control"), [("careful", True), ("noisy", True), ("counter", False)])
def test_gold_as_reward_is_marked_and_not_said_to_have_trained_nothing(
    store: Store, tmp_path: Path, reward: str, control: bool
) -> None:
    told = reported(policy(store, tmp_path, f"rater:{reward}"))
    assert ("control: gold itself is the reward" in told.marks) == control
    assert any("It trained, selected and stopped nothing" in each for each in told.caveats) != control


def test_a_run_for_negative_texts_is_not_called_over_optimised(store: Store, tmp_path: Path) -> None:
    run = policy(store, tmp_path, "rater:counter")
    run.config["target"] = "negative"
    told = reported(run)
    assert told.title == "policy, trained for negative sentiment" and told.headline.startswith("It was trained for neg")
    assert "Over-optimisation" not in {section.title for section in told.sections}


def test_what_a_run_says_against_itself_is_marked(store: Store, tmp_path: Path) -> None:
    marks = reported(policy(store, tmp_path, "rater:counter", error=0.002, outside=0.004, apart=0.02)).marks
    assert "sampler and training path differed by up to 0.02 nats a token: more than rounding" in marks
    assert "the ratio was not 1 before an update: off by up to 0.002" in marks
    assert "fewer than 1 % of ratios were clipped on average: a larger batch would use its samples as well" in marks
    assert "run on past the 8-nat stop to 25 nats" in marks


def test_a_report_leaves_no_figure_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "factors.png").write_bytes(b"of an evaluation by another gold")
    written = write(tmp_path, [], report())
    assert [path.name for path in tmp_path.iterdir()] == [path.name for path in written] == ["report.html"]
    (tmp_path / "mine.png").write_bytes(b"a user's own")
    write(tmp_path, [], report())
    assert (tmp_path / "mine.png").exists()


def test_a_sound_run_has_no_such_mark(store: Store, tmp_path: Path) -> None:
    run = policy(store, tmp_path, "rater:counter")
    told = reported(run)
    assert not [mark for mark in told.marks if "ratio" in mark]
    found = analyse(run, evaluation(), draws=50)
    assert {"gold, PPO", "gold, best-of-n"} <= set(found.predictions)
    assert (
        found.predictions["gold, best-of-n"].d.max() ** 2 > 4
        and np.isfinite(found.predictions["gold, best-of-n"].bias_interval).all()
    )
    (row,) = (row for row in summary(found)["checkpoints"] if row["checkpoint"] == "at the stop")
    assert row["kl"] < 8 and CURVE.nats[CURVE.steps.tolist().index(row["iteration"]) + 1] > 8


def test_the_checkpoint_at_the_stop_is_the_one_before_the_first_crossing() -> None:
    kl = np.array([0, 2, 5, 7, 9, 7.5, 10, 12, 14, 16, 18, 20, 22.0])
    curve = replace(CURVE, kl=np.broadcast_to(kl[:, None], CURVE.kl.shape))
    assert shown(curve, turn(curve), 8.0)["at the stop"] == 3
    assert shown(curve, turn(curve), 10.0)["at the stop"] == 5
    assert "at the stop" not in shown(curve, turn(curve), 30.0)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs chromium")
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme, ground", [("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 24, 28)")])
def test_it_opens_offline_wide_and_narrow(browser: Any, tmp_path: Path, width: int, scheme: str, ground: str) -> None:
    file = tmp_path / "report.html"
    file.write_text(page(report("Farewell joy, bliss, fortune, " + "gladness" * 40)))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    shown, asked, complaints = context.new_page(), [], []
    shown.on("request", lambda request: asked.append(request.url[:5]))
    shown.on("console", lambda message: complaints.append(message.text))
    shown.goto(file.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == ground
    assert shown.evaluate("document.querySelector('img').naturalWidth") == 1280
    assert set(asked) <= {"file:", "data:"} and asked.count("file:") == 1 and complaints == []
    columns = shown.evaluate("new Set([...document.querySelectorAll('.beside > div')].map(d => d.offsetLeft)).size")
    assert columns == (3 if width == 1280 else 1)
    context.close()
