"""The workbench without a browser: what it says in each state, and that its actions do to real files what they say."""

import fcntl
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from elk_sandbox import contest, drafts
from elk_sandbox.cells import row
from elk_sandbox.keys import source
from elk_sandbox.pages import desk, editor, files
from elk_sandbox.pages.address import plain
from elk_sandbox.palette import STATES, state
from elk_sandbox.runtime import registry, workspace
from elk_sandbox.runtime import source as source_module
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.trial import Contest, Opening, Row, Trial, trial
from tests import apptest, sample
from tests.apptest import told
from tests.sample import REGISTRY, REPOSITORY

PAGE = "elk_sandbox/pages/workbench.py"
MINE = '''from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a test", needs=("parts",))
def few(reporters: Reporters, view: View, *, weight: float = 0.5, fancy: bool = False) -> Objective:
    """Few nodes."""
    return view.cross_entropy(reporters) + weight * view.parts(reporters)
'''

Started = list[tuple[str, list[str], set[str]]]


def opened(**query: str) -> AppTest:
    return apptest.opened(PAGE, **query)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four files that are shipped, one of the user's, and an empty workspace."""
    shipped = sample.copy_files(tmp_path / "shipped")
    for folder in (".", "counterexamples"):
        name = "_template.py"
        (shipped / folder / name).write_text((REPOSITORY / "proposals" / folder / name).read_text())
    for module in ("registry", "source"):
        monkeypatch.setattr(f"elk_sandbox.runtime.{module}.SHIPPED", shipped)
    for module in ("drafts", "checks", "pages.starting"):
        monkeypatch.setattr(f"elk_sandbox.{module}.SHIPPED", shipped)
    (tmp_path / "proposals").mkdir()
    (tmp_path / "proposals" / "few.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELK_SANDBOX_HOME", str(tmp_path / "workspace"))
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """Commands that the page started, none of which runs."""
    found: Started = []

    def start(self: Detached, command: Sequence[str], keys: Iterable[str]) -> bool:
        found.append((self.name, list(command), set(keys)))
        return True

    monkeypatch.setattr(Detached, "start", start)
    yield found


def button(app: AppTest, label: str) -> Any:
    (found,) = [b for b in app.button if b.label == label]
    return found


def typed(app: AppTest, text: str, kind: str = "change", mark: str = "1") -> AppTest:
    """As if the editor had told this."""
    key = f"workbench_editor_{app.session_state[desk.EDITOR]}_{app.session_state[desk.ROUND]}"
    app.session_state[key] = {"id": mark, "type": kind, "text": text, "lang": "python"}
    app.run()
    assert not app.exception
    return app


def mine() -> tuple[Path, Trial]:
    home = Path("workspace").absolute()
    (entry,), _ = source_module.read(Path("proposals/few.py").absolute())
    return home, trial(home, entry, REGISTRY.counterexamples["human_simulator"])


def judged(asked: Trial) -> dict[str, Any]:
    """Judge it here, as the command would."""
    from elk_sandbox import keys

    payload = {"proposal": asked.proposal, "counterexamples": [asked.counterexample], "fresh": 4}
    (cell,) = row({**payload, "workspace": str(asked.home)})["cells"]
    keys.keep(cell, asked.proposal, asked.counterexample, 4, asked.home)
    return dict(cell)


def test_an_empty_workbench_has_one_primary_button_and_opens_the_baseline(home: Path) -> None:
    (home / "proposals" / "few.py").unlink()
    app = opened()
    assert "Nothing lies here yet" in told(app) and "Open a file of yours" not in [s.label for s in app.selectbox]
    assert [b.label for b in app.button if b.proto.type == "primary"] == ["Begin with the baseline"]
    button(app, "Begin with the baseline").click().run()
    assert app.query_params["workbench_draft"] == "computation_time"  # the first of those that are here
    assert "The text of the shipped computation_time." in told(app)


def test_ones_own_drafts_and_files_come_first(home: Path) -> None:
    app = opened()
    assert "Nothing lies here yet" not in told(app) and "you have 1 file." in told(app)
    assert app.selectbox[0].label == "Open a file of yours" and app.selectbox[0].options == ["few, proposal"]
    drafts.begin(home / "workspace", "idea", "proposal", MINE)
    app = opened()
    assert "you have 1 draft and 1 file." in told(app)
    assert [s.label for s in app.selectbox] == ["Go on with a draft", "Open a file of yours", "Start from a file"]
    app.selectbox[0].set_value("idea").run()
    assert app.query_params["workbench_draft"] == "idea"
    app = opened()
    app.selectbox(key="workbench_own_file").set_value(("proposal", "few")).run()
    assert app.query_params["workbench_draft"] == "few"


@pytest.mark.parametrize("page", [PAGE, "elk_sandbox/pages/matrix.py"])
def test_files_are_read_again_only_when_one_changed(home: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app, read, default = opened(), [], registry.Registry.default
    app.switch_page(page).run()

    def reading(**how: bool) -> registry.Registry:
        read.append(how)
        return default(**how)

    monkeypatch.setattr(registry.Registry, "default", reading)
    for _ in range(2):
        app.run()
    assert not app.exception and read == []
    (home / "proposals" / "torn.py").write_text("def torn(:\n")
    app.run()
    assert not app.exception and len(read) == 1
    if page != PAGE:
        assert "1 file or declaration cannot be used" in told(app)


def test_a_file_in_the_address_is_opened_as_a_draft_beside_its_knobs(home: Path) -> None:
    app = opened(workbench_file="few", workbench_against="human_simulator")
    assert app.query_params["workbench_draft"] == "few"
    assert (home / "workspace" / "drafts" / "few.py").read_text() == MINE
    assert [(n.label, n.value) for n in app.number_input] == [("weight", 0.5)]
    assert [(c.label, c.value) for c in app.checkbox] == [("fancy", False)]
    assert app.selectbox(key="workbench_against widget").value == "human_simulator"
    assert "As saved in proposals/few.py" in told(app)


def test_a_file_that_is_not_there_is_told(home: Path) -> None:
    app = opened(workbench_file="fev")
    assert "no proposal &#x27;fev&#x27;" in told(app) and "&#x27;few&#x27;" in told(app)


def test_the_address_opens_no_file_by_its_path(home: Path) -> None:
    hidden = home / "elsewhere.py"
    hidden.write_text(MINE.replace("few", "hidden"))
    for path in (str(hidden), f"{hidden}:hidden", "elsewhere.py", "./elsewhere.py", f"{hidden}:"):
        app = opened(workbench_file=path)
        assert "The address names a file that is not there" in told(app)
        assert desk.DRAFT not in app.query_params
    assert drafts.drafts(home / "workspace") == []


def editor_text(app: AppTest) -> str:
    return str(json.loads(app.get("component_instance")[0].proto.json_args)["props"]["defaultValue"])


def test_the_blind_see_nothing_of_a_files_outcome_and_judge_the_file_itself(home: Path, started: Started) -> None:
    path = home / "shipped" / "counterexamples" / "human_simulator.py"
    text = path.read_text()
    claims = text[text.index("breaks=") : text.index("}", text.index("breaks=")) + 1]
    cut = text.replace(claims, claims + ", contested={}", 1)
    path.write_text(cut)
    app = opened(workbench_file="human_simulator", workbench_against="few", workbench_blind="1")
    shown = editor_text(app)
    assert "breaks={}" in shown and "contested=None" in shown
    assert claims not in shown and len(shown) < len(cut)
    button(app, "Judge").click().run()
    (_, command, keys) = started[-1]
    (few,), _ = source_module.read(Path("proposals/few.py").absolute())
    entry = registry.Registry.default().counterexamples["human_simulator"]
    assert keys == {trial(home / "workspace", few, entry).key}
    assert Path(command[5].rpartition(":")[0]).read_text() == cut
    typed(app, shown + "# mine\n", "submit")
    assert Path(started[-1][1][5].rpartition(":")[0]).read_text() == shown + "# mine\n"


def test_the_blind_are_not_told_whom_a_counterexample_breaks_by_its_opponent(home: Path) -> None:
    path = home / "shipped" / "counterexamples" / "human_simulator.py"
    text = path.read_text()
    at = text.index("breaks=")
    path.write_text(text[:at] + 'breaks={"few": "tie"}' + text[text.index("}", at) + 1 :])
    assert opened(workbench_file="human_simulator").selectbox(key="workbench_against widget").value == "few"
    first = next(iter(registry.Registry.default().proposals))
    assert first != "few"
    app = opened(workbench_file="human_simulator", workbench_blind="1")
    assert app.selectbox(key="workbench_against widget").value == first


def test_the_blind_open_their_own_file_whole_and_hold_no_contest(home: Path) -> None:
    (home / "proposals" / "few.py").write_text(MINE.replace("Few nodes.", "Few nodes.\n\n    My own thoughts."))
    app = opened(workbench_file="few", workbench_blind="1")
    assert "My own thoughts." in editor_text(app)
    assert "Put it before the contest" not in [b.label for b in app.button]
    held = Contest(home / "workspace", source(*_entry()))
    contest.keep({"passes": True, "reason": None, "breakers": [], "nearest": []}, home / "workspace", held.key)
    app.run()
    assert not app.exception and "Nearest published families" not in told(app)


def test_what_is_typed_is_kept_at_once_and_restored_in_another_session(home: Path) -> None:
    typed(opened(workbench_file="few"), MINE + "# more\n")
    assert (home / "workspace" / "drafts" / "few.py").read_text() == MINE + "# more\n"
    assert (home / "proposals" / "few.py").read_text() == MINE
    again = opened(workbench_draft="few")
    assert "Draft with changes of proposals/few.py" in told(again)
    assert again.get("component_instance")[0].proto.json_args
    arguments = json.loads(again.get("component_instance")[0].proto.json_args)
    assert arguments["props"]["defaultValue"] == MINE + "# more\n"


def test_a_fault_is_marked_on_its_line_and_told(home: Path) -> None:
    app = typed(opened(workbench_file="few"), MINE + "x = (\n")
    assert "<strong>Line 8.</strong> SyntaxError: &#x27;(&#x27; was never closed" in told(app)
    arguments = json.loads(app.get("component_instance")[0].proto.json_args)
    assert [(a["row"], a["type"]) for a in arguments["props"]["annotations"]] == [(7, "error")]
    assert [m["startRow"] for m in arguments["props"]["markers"]] == [7]
    assert button(app, "Judge").disabled


def test_ctrl_enter_starts_the_command_line_on_what_was_typed(home: Path, started: Started) -> None:
    text = MINE.replace("Few nodes", "Fewer nodes")
    app = typed(opened(workbench_file="few", workbench_against="human_simulator"), text, "submit")
    ((name, command, keys),) = started
    (entry,), _ = source_module.read_text(Path("few.py"), text)
    asked = trial(home / "workspace", entry, REGISTRY.counterexamples["human_simulator"])
    assert keys == {asked.key} and name == asked.key[:20]
    assert command[:4] == [sys.executable, "-m", "elk_sandbox", "judge"]
    assert command[6:] == ["--workspace", str(home / "workspace"), "--json"]
    path, _, function = command[4].rpartition(":")
    assert (Path(path).read_text(), function) == (text, "few")
    assert drafts.load(home / "workspace", "few").judged == asked.key
    app.run()
    assert len(started) == 1


def test_a_knob_is_set_in_the_address_and_for_the_command(home: Path, started: Started) -> None:
    app = opened(workbench_file="few", workbench_against="human_simulator")
    app.number_input[0].set_value(0.25).run()
    assert app.query_params["workbench_set"] == "weight=0.25"
    button(app, "Judge").click().run()
    assert "--set weight=0.25" in " ".join(started[0][1])
    app.number_input[0].set_value(0.5).run()
    assert "workbench_set" not in app.query_params
    assert opened(workbench_draft="few", workbench_set="weight=0.125;gone=1").number_input[0].value == 0.125


def test_a_verdict_is_shown_with_ledger_and_witness_and_ages_when_the_text_changes(home: Path) -> None:
    _, asked = mine()
    cell = judged(asked)
    app = opened(workbench_file="few", workbench_against="human_simulator")
    button(app, "Judge")  # there, and of no use
    assert button(app, "Judge").disabled
    shown = told(app)
    assert cell["verdict"] in shown
    for reporter, value in cell["objective"].items():
        assert reporter in shown and f'value="{value!r}"' in shown
    typed(app, MINE, "submit")
    typed(app, MINE + "# more\n", mark="2")
    assert "few against human_simulator, before your last change" in told(app)
    assert not button(app, "Judge").disabled


@pytest.mark.parametrize("ending", ["", "\n"])  # saving ends the last line
def test_a_verdict_outlives_a_change_of_the_name_alone(home: Path, started: Started, ending: str) -> None:
    text = MINE.rstrip() + ending
    typed(opened(workbench_file="few", workbench_against="human_simulator"), text, "submit")
    (entry,), _ = source_module.read_text(home / "proposals" / "few.py", text)
    judged(trial(home / "workspace", entry, REGISTRY.counterexamples["human_simulator"]))
    drafts.save(home / "workspace", drafts.load(home / "workspace", "few"), home / "proposals", "fewer")
    app = opened(workbench_draft="fewer", workbench_against="human_simulator")
    shown = told(app)
    assert "few against human_simulator; only the name has changed since" in shown
    assert "before your last change" not in shown and "older" not in shown.replace(".older", "")
    assert not button(app, "Judge").disabled
    typed(app, text.replace("few(", "fewer(").replace("0.5", "0.25"), mark="3")
    assert "few against human_simulator, before your last change" in told(app)


def test_a_fault_of_the_run_is_marked_on_its_line(home: Path) -> None:
    text = MINE.replace("weight * view.parts", "wait * view.parts")
    (home / "proposals" / "few.py").write_text(text)
    _, asked = mine()
    assert judged(asked)["verdict"] == "error"
    app = opened(workbench_file="few", workbench_against="human_simulator")
    assert "The proposal is at fault in line 7: NameError" in told(app)
    arguments = json.loads(app.get("component_instance")[0].proto.json_args)
    assert [a["row"] for a in arguments["props"]["annotations"]] == [6]
    assert not button(app, "Judge").disabled


def test_while_it_is_judged_the_page_says_so_and_then_what_went_wrong(home: Path) -> None:
    _, asked = mine()
    asked.job.folder.mkdir(parents=True)
    with (asked.job.folder / f"{asked.job.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = opened(workbench_file="few", workbench_against="human_simulator")
        assert '<span class="chip running">judging</span> against human simulator' in told(app)
        assert button(app, "Judge").disabled
    (asked.job.folder / f"{asked.job.name}.json").write_text(json.dumps([asked.key]))
    asked.job.log.write_text("Traceback\nMemoryError: too much\n")
    app.run()
    assert [e.value for e in app.error] == ["It was not judged. The last that was said: MemoryError: too much"]


def test_a_row_that_could_not_be_judged_is_told(home: Path) -> None:
    (entry,), _ = source_module.read(Path("proposals/few.py").absolute())
    known = registry.Registry.default().counterexamples
    row = Row([trial(home / "workspace", entry, each) for each in known.values()])
    row.job.folder.mkdir(parents=True)
    (row.job.folder / f"{row.job.name}.json").write_text(json.dumps([t.key for t in row.trials]))
    row.job.log.write_text("MemoryError: too much\n")
    app = opened(workbench_file="few")
    assert [e.value for e in app.error] == ["Not all were judged. The last that was said: MemoryError: too much"]


def test_two_tabs_on_one_draft_overwrite_nothing(home: Path) -> None:
    first, second = opened(workbench_file="few"), opened(workbench_draft="few")
    typed(first, MINE + "# one\n")
    typed(second, MINE + "# two\n")
    place = home / "workspace" / "drafts"
    assert (place / "few.py").read_text() == MINE + "# one\n"
    assert (place / "few_2.py").read_text() == MINE + "# two\n"
    assert second.query_params["workbench_draft"] == "few_2"
    assert "The draft few was changed in another tab" in told(second)
    typed(second, MINE + "# two and\n", mark="2")
    assert (place / "few_2.py").read_text() == MINE + "# two and\n"


def test_a_tab_that_only_looks_follows_the_other(home: Path) -> None:
    first, second = opened(workbench_file="few"), opened(workbench_draft="few")
    typed(first, MINE + "# one\n")
    second.run()
    arguments = json.loads(second.get("component_instance")[0].proto.json_args)
    assert arguments["props"]["defaultValue"] == MINE + "# one\n"
    assert not (home / "workspace" / "drafts" / "few_2.py").exists()


def kept_texts(home: Path) -> list[str]:
    places = ("workspace/drafts", "proposals", "proposals/counterexamples")
    return [path.read_text() for place in places for path in (home / place).glob("*.py")]


@pytest.mark.parametrize("label", ["Save as my own", "Discard this draft"])
def test_what_another_tab_typed_outlives_a_click_on_an_older_text(home: Path, label: str) -> None:
    drafts.begin(home / "workspace", "idea", "proposal", MINE.replace("few", "idea"))
    first, second = opened(workbench_draft="idea"), opened(workbench_draft="idea")
    typed(second, MINE + "# two\n")
    button(first, label).click().run()  # not drawn since
    assert MINE + "# two\n" in kept_texts(home)
    typed(second, MINE + "# two and\n", mark="2")
    assert MINE + "# two and\n" in kept_texts(home)


@pytest.mark.parametrize("label", ["Save as my own", "Discard this draft"])
def test_what_is_typed_in_a_draft_that_another_tab_put_away_is_kept(home: Path, label: str) -> None:
    drafts.begin(home / "workspace", "idea", "proposal", MINE.replace("few", "idea"))
    first, second = opened(workbench_draft="idea"), opened(workbench_draft="idea")
    button(first, label).click().run()
    typed(second, MINE + "# two\n")
    assert MINE + "# two\n" in kept_texts(home)
    assert not second.exception and second.query_params["workbench_draft"]


def test_a_stale_save_leaves_the_users_file_alone(home: Path) -> None:
    first = typed(opened(workbench_file="few"), MINE + "# one\n")
    second = opened(workbench_draft="few")
    typed(second, MINE + "# two\n")
    button(first, "Save").click().run()
    assert (home / "proposals" / "few.py").read_text() == MINE
    assert "It was not saved: the draft &#x27;few&#x27; was changed elsewhere" in told(first)
    assert drafts.load(home / "workspace", "few").text == MINE + "# two\n"


def test_a_file_of_ones_own_can_be_removed_and_its_text_is_kept(home: Path) -> None:
    app = typed(opened(workbench_file="few"), MINE + "# one\n")
    button(app, "Remove its file").click().run()
    assert not (home / "proposals" / "few.py").exists() and not app.exception
    assert "few.py was removed." in told(app)
    assert drafts.load(home / "workspace", "few").text == MINE + "# one\n"
    assert not [b for b in app.button if b.label == "Remove its file"]
    button(app, "Discard this draft").click().run()
    assert drafts.drafts(home / "workspace") == []


def test_a_shipped_file_cannot_be_removed(home: Path) -> None:
    app = opened(workbench_file="human_labels")
    assert not [b for b in app.button if b.label == "Remove its file"]


def test_saving_writes_the_users_own_file(home: Path) -> None:
    app = typed(opened(workbench_file="few"), MINE + "# more")
    button(app, "Save").click().run()
    assert (home / "proposals" / "few.py").read_text() == MINE + "# more\n"
    assert "As saved in proposals/few.py" in told(app)
    assert button(app, "Save").disabled


def test_a_shipped_file_is_saved_as_a_copy_under_another_name(home: Path) -> None:
    app = typed(opened(workbench_file="auxiliary_ai"), REGISTRY.proposals["auxiliary_ai"].text + "# mine\n")
    assert "Save" not in [b.label for b in app.button]
    before = (home / "shipped" / "auxiliary_ai.py").read_text()
    assert app.text_input(key="workbench_save_auxiliary_ai").value == "my_auxiliary_ai"
    button(app, "Save as my own").click().run()
    assert (home / "shipped" / "auxiliary_ai.py").read_text() == before
    (entry,), _ = source_module.read(home / "proposals" / "my_auxiliary_ai.py")
    assert entry.name == "my_auxiliary_ai" and entry.text.endswith("# mine\n")
    assert app.query_params["workbench_draft"] == "my_auxiliary_ai"
    names = registry.Registry.default().proposals
    assert {"auxiliary_ai", "my_auxiliary_ai", "few"} <= set(names)


def test_a_file_that_changed_on_the_disk_is_not_saved_over(home: Path) -> None:
    app = typed(opened(workbench_file="few"), MINE + "# mine\n")
    (home / "proposals" / "few.py").write_text(MINE + "# theirs\n")
    button(app, "Save").click().run()
    assert (home / "proposals" / "few.py").read_text() == MINE + "# theirs\n"
    assert "few.py was changed on the disk since it was opened here" in app.warning[0].value
    button(app, "Take the file, mine can be brought back").click().run()
    assert (home / "workspace" / "drafts" / "few.py").read_text() == MINE + "# theirs\n"
    button(app, "Bring my changes back").click().run()
    button(app, "Save").click().run()
    assert (home / "proposals" / "few.py").read_text() == MINE + "# mine\n"


def test_overwriting_is_possible_where_it_is_said(home: Path) -> None:
    app = typed(opened(workbench_file="few"), MINE + "# mine\n")
    (home / "proposals" / "few.py").write_text(MINE + "# theirs\n")
    button(app, "Save").click().run()
    button(app, "Keep mine, overwrite the file").click().run()
    assert (home / "proposals" / "few.py").read_text() == MINE + "# mine\n"
    assert not app.warning


def test_a_file_that_changed_on_the_disk_is_followed_where_nothing_was_typed(home: Path) -> None:
    app = opened(workbench_file="few")
    (home / "proposals" / "few.py").write_text(MINE + "# theirs\n")
    app.run()
    assert "The file was changed on the disk" in told(app)
    assert drafts.load(home / "workspace", "few").text == MINE + "# theirs\n"


def test_going_back_to_the_last_saved_can_be_undone(home: Path) -> None:
    app = typed(opened(workbench_file="few"), MINE + "# more\n")
    button(app, "Back to the last saved").click().run()
    assert drafts.load(home / "workspace", "few").text == MINE
    button(app, "Bring my changes back").click().run()
    assert drafts.load(home / "workspace", "few").text == MINE + "# more\n"


def test_a_template_becomes_a_draft_of_that_name(home: Path) -> None:
    app = opened()
    app.text_input(key="workbench_start_name_proposal").set_value("an_idea").run()
    button(app, "Begin").click().run()
    assert "def an_idea(" in drafts.load(home / "workspace", "an_idea").text
    assert "A draft, kept in the workspace; no file of yours yet." in told(app)


def test_a_counterexample_is_judged_against_the_proposal_that_it_breaks(home: Path, started: Started) -> None:
    text = REGISTRY.counterexamples["human_simulator"].text
    claim = text.replace(
        text[text.index("breaks=") : text.index("}", text.index("breaks=")) + 1], 'breaks={"few": "tie"}'
    )
    drafts.begin(home / "workspace", "world", "counterexample", claim)
    app = opened(workbench_draft="world")
    assert app.selectbox(key="workbench_against widget").value == "few"
    button(app, "Judge").click().run()
    ((_, command, _),) = started
    assert Path(command[4].rpartition(":")[0]).read_text() == MINE
    assert Path(command[5].rpartition(":")[0]).read_text() == claim
    assert "Break it" not in [s.value for s in app.subheader]


def test_a_draft_can_be_the_opponent(home: Path) -> None:
    drafts.begin(home / "workspace", "idea", "proposal", MINE.replace("few", "idea"))
    app = opened(workbench_file="human_simulator", workbench_against="draft:idea")
    assert app.selectbox(key="workbench_against widget").value == "draft:idea"


@pytest.mark.parametrize("label", ["!  human simulator", "=  human_simulator", "\N{EN DASH}  human simulator"])
def test_an_address_that_holds_a_label_is_read_by_its_plain_name(home: Path, label: str) -> None:
    app = opened(workbench_file="few", workbench_against=label)
    assert app.selectbox(key="workbench_against widget").value == "human_simulator"
    assert app.query_params["workbench_against"] in ("human_simulator", ["human_simulator"])
    assert "nothing of that name is here" not in told(app)
    other = opened(workbench_file="few", workbench_against=label.replace("human", "cheap").replace("tor", "tion"))
    assert other.selectbox(key="workbench_against widget").value == "cheap_simulation"
    gone = opened(workbench_file="few", workbench_against="!  nowhere")
    assert "nothing of that name is here" in told(gone)


def test_every_world_is_a_strip_of_signs(home: Path) -> None:
    assert 'class="strip"' not in told(opened(workbench_file="few"))
    _, asked = mine()
    label = STATES[state(judged(asked))].label
    shown = told(opened(workbench_file="few"))
    assert shown.count("<li title=") == 1
    assert f'human simulator<span class="unseen">: {label}</span>' in shown


def test_a_counterexample_is_put_before_every_proposal(home: Path, started: Started) -> None:
    app = opened(workbench_file="human_simulator")
    many = len(files.registry().proposals)
    assert "Every proposal" in [each.value for each in app.subheader]
    assert "Against every proposal, stock draw and fresh ones." in told(app)
    button(app, f"Judge against all {many}").click().run()
    ((_, command, keys),) = started
    assert command[command.index("judge") + 1] == "all" and len(keys) == many
    _, asked = mine()
    label = STATES[state(judged(asked))].label
    assert f'few<span class="unseen">: {label}</span>' in told(opened(workbench_file="human_simulator"))


def test_what_a_view_offers_is_told_once_it_is_opened(home: Path) -> None:
    assert "view.cross_entropy" not in told(opened(workbench_file="few"))
    shown = told(opened(workbench_file="few", workbench_view="true"))
    assert "view.cross_entropy(reporters, process=&#x27;viewer&#x27;, instances=False)" in shown
    assert "P(situation)" in shown


def test_a_draft_is_found_by_its_label() -> None:
    assert plain("\N{MULTIPLICATION SIGN}  my idea, a draft", ["my_idea", "draft:my_idea"]) == "draft:my_idea"
    assert plain("", ["few"]) is None and plain("few", ["few"]) == "few"


def test_the_contest_is_started_and_shown_with_its_neighbours(home: Path, started: Started) -> None:
    app = opened(workbench_file="few")
    button(app, "Put it before the contest").click().run()
    ((_, command, keys),) = started
    assert "--contest" in command
    held = Contest(home / "workspace", source(*_entry()))
    assert keys == {held.key}
    line = {"breaker": "fingerprint", "reporter": "fingerprint_simulator", "objective": 0.1, "relation": "strict"}
    near = {"strategy": "few_parts", "same": 19, "of": 20, "correlation": 1.0, "differs": ["mask"]}
    outcome = {
        "passes": False, "reason": None, "breakers": [line], "draws": {"agreeing": 4, "of": 4},
        "direct_translator": "early_exit", "objective": {"early_exit": 0.5}, "nearest": [near],
    }  # fmt: skip
    contest.keep({**outcome, "nearest": None}, home / "workspace", held.key)
    app.run()
    assert "It fails: 1 of 1 breakers win." in told(app) and "few parts<small>" not in told(app)
    button(app, "Judge the published families").click().run()
    assert started[1] == started[0]
    contest.keep(outcome, home / "workspace", held.key)
    app.run()
    assert "It fails: 1 of 1 breakers win." in told(app)
    assert "few parts<small>differs: mask</small></th><td>19 of 20</td>" in told(app)


def test_a_counterexample_begun_against_a_proposal_is_laid_on_the_desk(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []

    def start(self: Detached, command: Sequence[str], keys: Iterable[str]) -> bool:
        """Does what the command does in the end."""
        commands.append(list(command))
        text = REGISTRY.counterexamples["human_simulator"].text.replace("human_simulator(", "break_few(")
        workspace.write(home / "proposals" / "counterexamples" / "break_few.py", text)
        return True

    monkeypatch.setattr(Detached, "start", start)
    app = opened(workbench_file="few")
    button(app, "Begin a counterexample").click().run()
    ((*_, kind, name, against, file, _, place),) = commands
    assert (kind, name, against, place) == ("counterexample", "break_few", "--against", str(home / "workspace"))
    assert Path(file.rpartition(":")[0]).read_text() == MINE
    assert app.query_params["workbench_draft"] == "break_few"
    assert app.query_params["workbench_against"] == "few"
    assert "As saved in proposals/counterexamples/break_few.py" in told(app)


def test_a_name_that_comes_with_the_click_is_the_one_that_counts(home: Path, started: Started) -> None:
    app = opened(workbench_file="few")
    app.text_input(key="workbench_break_break_few").set_value("breaks_it")
    button(app, "Begin a counterexample").click().run()
    assert "breaks_it" in started[0][1] and "break_few" not in started[0][1]
    app.text_input(key="workbench_save_few").set_value("fewer")
    button(app, "Save as my own").click().run()
    assert app.query_params["workbench_draft"] == "fewer"
    assert sorted(each.name for each in (home / "proposals").glob("*.py")) == ["few.py", "fewer.py"]
    app = opened()
    app.text_input(key="workbench_start_name_proposal").set_value("idea")
    button(app, "Begin").click().run()
    assert app.query_params["workbench_draft"] == "idea" and "def idea(" in editor_text(app)


@pytest.mark.parametrize("label", ["Put it before the contest", "Judge against all 2"])
def test_a_knob_that_comes_with_the_click_is_the_one_that_counts(home: Path, started: Started, label: str) -> None:
    app = opened(workbench_file="few")
    (weight,) = app.number_input
    weight.set_value(0.25)
    button(app, label).click().run()
    ((_, command, _),) = started
    assert "weight=0.25" in command


def test_a_click_that_comes_with_a_broken_text_does_nothing_later(home: Path, started: Started) -> None:
    app = opened(workbench_file="few")
    button(app, "Put it before the contest").click()
    typed(app, "def few(:")
    typed(app, MINE, mark="2")
    assert started == []


@pytest.mark.parametrize(
    "done, words",
    [
        (7, "Looking for the world that comes nearest: 7 of 20"),
        (20, "Judged on all 20 worlds. Now the file is written, begun from the one that comes nearest"),
    ],
)
def test_a_counterexample_that_is_being_begun_says_what_is_still_done(
    home: Path, monkeypatch: pytest.MonkeyPatch, done: int, words: str
) -> None:
    monkeypatch.setattr(Opening, "progress", lambda self: (done, 20))
    place, asked = mine()
    job = Opening(place, asked.proposal, "break_few").job
    job.folder.mkdir(parents=True)
    with (job.folder / f"{job.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = opened(workbench_file="few")
        app.session_state["workbench opening"] = "break_few"
        (bar,) = app.run().get("progress")
        assert bar.proto.text == words


def test_a_counterexample_that_could_not_be_begun_is_told(home: Path, started: Started) -> None:
    app = opened(workbench_file="few")
    button(app, "Begin a counterexample").click().run()
    assert "No counterexample was begun" in app.error[0].value
    app.text_input(key="workbench_break_break_few").set_value("no name").run()
    button(app, "Begin a counterexample").click().run()
    assert "&#x27;no name&#x27; does not do" in told(app)
    assert len(started) == 1


def test_without_a_token_elsewhere_nothing_runs_and_nothing_is_saved(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elk_sandbox.pages.access.local", lambda: False)
    app = typed(opened(workbench_file="few"), MINE + "# more\n", "submit")
    assert "runs no user code" in app.warning[0].value
    assert "Judge" not in [b.label for b in app.button]
    assert button(app, "Save").disabled
    before = {path: path.read_bytes() for path in (home / "proposals").rglob("*.py")}
    for live in [b for b in app.button if b.label.startswith("Save") and not b.disabled]:
        live.click().run()
    assert {path: path.read_bytes() for path in (home / "proposals").rglob("*.py")} == before


@pytest.mark.parametrize("label", ["Save as my own", "Keep mine, overwrite the file"])
def test_a_button_that_was_drawn_before_saves_nothing_where_nobody_may(
    home: Path, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typed(opened(workbench_file="few"), MINE + "# mine\n")
    (home / "proposals" / "few.py").write_text(MINE + "# theirs\n")
    button(app, "Save").click().run()
    app.text_input(key="workbench_save_few").set_value("another").run()
    monkeypatch.setattr("elk_sandbox.pages.access.local", lambda: False)
    button(app, label).click().run()
    assert "It was not saved: This server listens" in told(app)
    assert [p.read_text() for p in (home / "proposals").rglob("*.py")] == [MINE + "# theirs\n"]


def test_a_plain_box_does_the_same(home: Path) -> None:
    app = opened(workbench_file="few", workbench_plain="1")
    assert app.text_area[0].value == MINE
    app.text_area[0].set_value(MINE + "# plain\n").run()
    assert drafts.load(home / "workspace", "few").text == MINE + "# plain\n"


def test_where_the_component_is_missing_there_is_the_plain_box(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editor, "_ace", None)
    assert opened(workbench_file="few").text_area[0].value == MINE


def test_a_draft_that_is_gone_is_told(home: Path) -> None:
    app = opened(workbench_draft="gone")
    assert "There is no draft gone any more" in told(app)
    assert desk.DRAFT not in app.query_params


def test_a_draft_that_is_gone_gives_way_to_the_file_of_its_name(home: Path) -> None:
    app = opened(workbench_draft="few", workbench_against="human_simulator")
    assert "There is no draft few any more" in told(app) and "This is the file few." in told(app)
    assert editor_text(app) == MINE and "As saved in proposals/few.py" in told(app)
    assert app.query_params["workbench_draft"] == "few"
    assert app.query_params["workbench_against"] == "human_simulator"


def _entry() -> tuple[Any, dict[str, object]]:
    (entry,), _ = source_module.read(Path("proposals/few.py").absolute())
    return entry, entry.settings()
