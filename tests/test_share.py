"""The shared page: all that it must hold is there, what a user wrote is escaped, and nothing is fetched."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from elk_sandbox import markup, report
from elk_sandbox.runtime.registry import Entry, read_text
from elk_sandbox.share import page, versions
from tests import sample
from tests.html import FETCHES, Parsed
from tests.sample import REGISTRY

ATTACK = "</code></pre><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def cells() -> dict[tuple[str, str], dict[str, Any]]:
    return sample.cells()


def shown(cell: dict[str, Any], draws: int = 2) -> str:
    proposal, counterexample = REGISTRY.proposals[cell["proposal"]], REGISTRY.counterexamples[cell["counterexample"]]
    return page(cell, proposal, counterexample, draws)


def test_every_number_and_name_is_there(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert len(cells) == 4
    for cell in cells.values():
        parsed = Parsed(shown({**cell, "draws": {"agreeing": 1, "of": 2}}))
        values = {float(v) for tag, name, v in parsed.attributes if (tag, name) == ("data", "value") and v}
        for reporter, terms in cell["terms"].items():
            wanted = [*terms.values(), cell["objective"][reporter]]
            wanted += [cell["honesty_fooled"][reporter], cell["honesty_outside"][reporter]]
            assert {w for w in wanted if w is not None} <= values
            assert reporter in parsed.text
        for word in (*cell["terms"][cell["direct_translator"]], cell["control"]["world"], cell["isolation"]):
            assert word in parsed.text
        assert markup.sentence(cell) in parsed.text
        assert "seeds 1, 2" in parsed.text
        assert "1 of 2 fresh draws agree" in parsed.text
        assert f"{cell['adversary']['searched']} dishonest reporters" in parsed.text
        for found in (cell["witness"], cell["adversary"]["witness"]):
            if found:
                assert found["story"][1:] in parsed.text
                assert {found["probability"], found["answer"], found["human"]} <= values
        for package, version in versions().items():
            assert f"{package}{version}" in parsed.text.replace("\n", "")


@pytest.mark.parametrize(
    "less, badge, sentence, fault",
    [
        (-0.2, "but an unnamed reporter beats the best honest one", " nats less.", "cheaper than the best honest"),
        (0.0, "but an unnamed reporter ties with the best honest one", "costs as much.", "as cheap as the best honest"),
    ],
)
def test_an_unnamed_reporter_that_does_no_worse_is_told_at_the_badge(
    cells: dict[tuple[str, str], dict[str, Any]], less: float, badge: str, sentence: str, fault: str
) -> None:
    cell = next(c for c in cells.values() if c["verdict"] == "survives")
    assert "unnamed" not in markup.badge({**cell, "adversary": {**cell["adversary"], "verdict": "survives"}})
    cost = less + cell["objective"][cell["direct_translator"]]
    found = {**cell["adversary"], "verdict": "killed", "reporter": "nobody", "objective": cost}
    cell = {**cell, "adversary": found, "good": False}
    assert badge in markup.badge(cell)
    assert "But nobody, which is dishonest" in markup.sentence(cell) and markup.sentence(cell).endswith(sentence)
    console = Console(file=io.StringIO(), width=1000)
    report.cell(console, cell)
    assert isinstance(console.file, io.StringIO)
    for told in (markup.facts(cell), console.file.getvalue()):
        assert f"the adversary found a dishonest reporter {fault}" in told
    assert f"survives, {badge}" in console.file.getvalue()


def test_the_audit_says_of_what_its_shares_are_and_a_control_that_was_not_run_is_named(
    cells: dict[tuple[str, str], dict[str, Any]],
) -> None:
    cell = cells["computation_time", "human_simulator"]
    told = "share of situations, by probability, with the right answer to the first question: human_simulator"
    assert told in markup.facts(cell) and cell["names_control"] == cell["control"]["world"]
    assert f"{cell['names_control']} is named and was not run" in markup.facts({**cell, "control": None})
    assert "the proposal names none" in markup.facts({**cell, "control": None, "names_control": None})


def test_both_files_are_there_letter_by_letter(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    parsed = Parsed(shown(cells["computation_time", "cheap_simulation"]))
    assert REGISTRY.proposals["computation_time"].text in parsed.text
    assert REGISTRY.counterexamples["cheap_simulation"].text in parsed.text
    assert "ARC found this more hopeful than the earlier attempts." in parsed.text


def test_the_contested_cell_tells_both_outcomes(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    cell = cells["computation_time", "cheap_simulation"]
    told = Parsed(shown(cell)).text
    assert "killed, strict" in told
    assert "with cached = False, pixels = 7" in told
    assert "survives" in told
    assert "killed only under a contested assumption, and we agree" in told


def test_nothing_is_fetched_and_nothing_runs(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    for cell in cells.values():
        html = shown(cell)
        parsed = Parsed(html)
        assert not {"script", "link", "iframe", "object", "embed", "img", "base", "form"} & set(parsed.tags)
        assert not [a for a in parsed.attributes if a[1] in FETCHES or a[1].startswith("on")]
        assert not re.search(r"url\(|@import|https?://", html)
        assert "default-src 'none'" in html


def test_what_a_user_wrote_is_escaped(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    cell = json.loads(json.dumps(cells["auxiliary_ai", "cheap_simulation"]).replace("upstream_simulator", "bad<b>"))
    cell["witness"]["story"] += ATTACK
    cell["adversary"] = {**cell["adversary"], "verdict": "killed", "reporter": ATTACK, "objective": 1.0}
    cell["control"]["world"] = ATTACK
    cell["terms"] = {n: {f'{t}" onmouseover="x{ATTACK}': v for t, v in row.items()} for n, row in cell["terms"].items()}
    text = (
        f'from elk_sandbox import proposal\n@proposal(source="{ATTACK}")\ndef p(reporters, view):\n    """{ATTACK}"""\n'
    )
    (entry,), broken = read_text(Path("p.py"), text)
    assert not broken
    cell["knobs"]["proposal"] = {"knob": ATTACK}
    html = page(cell, entry, replace(REGISTRY.counterexamples["cheap_simulation"], doc=ATTACK), 0, {ATTACK: ATTACK})
    parsed = Parsed(html)
    assert not {"script", "img", "b"} & set(parsed.tags)
    assert not [a for a in parsed.attributes if a[1].startswith("on")]
    assert parsed.text.count("alert(1)") >= 8
    assert text in parsed.text
    assert "bad<b>" in parsed.text


@pytest.mark.parametrize("verdict", ["error", "invalid", "not applicable"])
def test_a_cell_without_a_ledger_has_its_reason(cells: dict[tuple[str, str], dict[str, Any]], verdict: str) -> None:
    cell = cells["auxiliary_ai", "human_simulator"]
    empty: dict[str, Any] = dict.fromkeys(
        ("relation", "killer", "direct_translator", "witness", "control", "adversary")
    )
    empty |= {k: {} for k in ("objective", "terms", "honest", "honesty_fooled", "honesty_outside")}
    bare = {**cell, **empty, "verdict": verdict, "reason": "p.py:3: it is <odd>", "good": False, "contested": None}
    del bare["isolation"], bare["seconds"], bare["knobs"]  # a row whose process died has none
    parsed = Parsed(shown(bare, 0))
    assert "p.py:3: it is <odd>" in parsed.text
    assert "Ledger" not in parsed.text
    assert "fresh draws with the seeds" not in parsed.text


def widths(html: str) -> list[float]:
    return [float(w) for w in re.findall(r"width: ([\d.]+)%", html)]


def test_bars_are_to_scale(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Rewards lie left of zero and costs right of it, on one scale for the cheapest and the dearest."""
    low, high = -2.0, 1.0
    html = markup._bar({"loss": 1.0, "bonus": -2.0}, low, high)
    assert widths(html) == pytest.approx([100 / 3, 200 / 3], abs=0.01)
    lefts = [float(v) for v in re.findall(r"left: ([\d.]+)%", html)]
    assert lefts == pytest.approx([200 / 3, 0, 200 / 3], abs=0.01)
    assert widths(markup._bar({"loss": 0.0}, 0.0, 0.0)) == []
    assert widths(markup._bar({"loss": float("inf")}, 0.0, 2.0)) == [100]
    ledger = markup.ledger(cells["auxiliary_ai", "human_simulator"])
    assert max(widths(ledger)) == pytest.approx(100, abs=0.01)


def test_an_entry_needs_no_argument(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    cell = cells["auxiliary_ai", "human_simulator"]
    bare: Entry = replace(REGISTRY.proposals["auxiliary_ai"], doc="")
    assert "The proposal: auxiliary_ai" in Parsed(page(cell, bare, REGISTRY.counterexamples["human_simulator"], 0)).text
