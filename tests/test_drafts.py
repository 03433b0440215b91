"""Drafts: nothing typed is lost, nobody is overwritten, and what is shipped stays as it is."""

from pathlib import Path

import pytest

from elk_sandbox import drafts
from elk_sandbox.declare import RegistryError
from elk_sandbox.runtime.source import SHIPPED, read, read_text
from tests.sample import REGISTRY

TEXT = '''from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a test")
def  idea(reporters: Reporters, view: View) -> Objective:
    """The word idea — here it stays."""
    if False:
        return idea(reporters, view)
    return view.cross_entropy(reporters)
'''


def test_a_draft_is_read_as_it_was_kept(tmp_path: Path) -> None:
    made = drafts.begin(tmp_path, "idea", "proposal", TEXT)
    kept = drafts.put(tmp_path, made, text=TEXT + "# é\n")
    assert drafts.load(tmp_path, "idea") == kept
    assert kept.changed and not made.changed
    assert [d.name for d in drafts.drafts(tmp_path)] == ["idea"]


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    names = [drafts.begin(tmp_path, "idea", "proposal", TEXT).name for _ in range(3)]
    assert names == ["idea", "idea_2", "idea_3"]


@pytest.mark.parametrize("name", ["../idea", "a/b", "", ".idea", "x" * 81, "idée"])
def test_a_name_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(RegistryError):
        drafts.begin(tmp_path, name, "proposal", TEXT)
    with pytest.raises(RegistryError):
        drafts.load(tmp_path, name)


def test_whoever_saw_an_older_text_writes_nothing(tmp_path: Path) -> None:
    seen = drafts.begin(tmp_path, "idea", "proposal", TEXT)
    drafts.put(tmp_path, seen, text="theirs")
    with pytest.raises(drafts.Overtaken):
        drafts.put(tmp_path, seen, text="mine")
    assert drafts.load(tmp_path, "idea").text == "theirs"
    drafts.discard(tmp_path, drafts.load(tmp_path, "idea"))
    with pytest.raises(drafts.Overtaken):
        drafts.put(tmp_path, seen, text="mine")


def test_whoever_saw_an_older_text_discards_nothing(tmp_path: Path) -> None:
    seen = drafts.begin(tmp_path, "idea", "proposal", TEXT)
    drafts.put(tmp_path, seen, text="theirs")
    with pytest.raises(drafts.Overtaken):
        drafts.discard(tmp_path, seen)
    assert drafts.load(tmp_path, "idea").text == "theirs"


def test_whoever_saw_an_older_text_saves_none_of_it_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "idea.py"
    path.write_text(TEXT)
    seen = drafts.opened(tmp_path, read(path)[0][0])
    older = drafts.put(tmp_path, seen, text=TEXT + "# mine\n")
    drafts.put(tmp_path, older, text=TEXT + "# theirs\n")
    with pytest.raises(drafts.Overtaken):
        drafts.save(tmp_path, older, tmp_path, over=True)
    assert path.read_text() == TEXT
    assert drafts.load(tmp_path, "idea").text == TEXT + "# theirs\n"


def test_a_removed_file_leaves_its_text_as_a_draft(tmp_path: Path) -> None:
    path = tmp_path / "idea.py"
    path.write_text(TEXT)
    seen = drafts.opened(tmp_path, read(path)[0][0])
    mine = drafts.put(tmp_path, seen, text=TEXT + "# mine\n")
    with pytest.raises(drafts.Overtaken):
        drafts.withdraw(tmp_path, seen, tmp_path)
    path.write_text("theirs")
    with pytest.raises(drafts.Taken):
        drafts.withdraw(tmp_path, mine, tmp_path)
    assert path.read_text() == "theirs"
    path.write_text(TEXT)
    left = drafts.withdraw(tmp_path, mine, tmp_path)
    assert not path.exists() and left.origin is None and drafts.drafts(tmp_path) == [left]
    assert left.text == TEXT + "# mine\n"
    with pytest.raises(RegistryError):
        drafts.withdraw(tmp_path, left, tmp_path)
    shipped = drafts.opened(tmp_path, REGISTRY.proposals["human_labels"])
    with pytest.raises(RegistryError):
        drafts.withdraw(tmp_path, shipped, SHIPPED)
    assert REGISTRY.proposals["human_labels"].path.exists()


def test_a_copy_of_an_older_text_leaves_the_newer_draft_alone(tmp_path: Path) -> None:
    seen = drafts.begin(tmp_path, "idea", "proposal", TEXT)
    theirs = drafts.put(tmp_path, seen, text=TEXT + "# theirs\n")
    saved = drafts.save(tmp_path, seen, tmp_path / "proposals", "idea")
    assert (tmp_path / "proposals" / "idea.py").read_text() == TEXT
    assert (saved.name, saved.text) == ("idea_2", TEXT)
    assert drafts.put(tmp_path, theirs, text="more").text == "more"


def test_a_copy_writes_over_no_file_that_came_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, there = tmp_path / "other.py", drafts.begin(tmp_path, "idea", "proposal", TEXT)
    path.write_text("theirs")
    monkeypatch.setattr(drafts, "new_path", lambda *_: path)  # it looked before the file came
    with pytest.raises(FileExistsError):
        drafts.save(tmp_path, there, tmp_path, "other")
    assert path.read_text() == "theirs"
    assert drafts.drafts(tmp_path) == [there]
    assert [p.name for p in tmp_path.glob(".*.tmp")] == []


def test_a_name_that_no_draft_can_have_loses_no_text(tmp_path: Path) -> None:
    there = drafts.begin(tmp_path, "idea", "proposal", TEXT)
    with pytest.raises(RegistryError):
        drafts.save(tmp_path, there, tmp_path / "proposals", "idée")
    assert drafts.drafts(tmp_path) == [there]
    assert not (tmp_path / "proposals").exists()


def test_a_long_taken_name_gets_a_number_and_is_found_again(tmp_path: Path) -> None:
    made = [drafts.begin(tmp_path, "x" * 80, "proposal", str(k)) for k in range(11)]
    assert len({draft.name for draft in made}) == 11
    assert [drafts.load(tmp_path, draft.name) for draft in made] == made


def test_what_was_noted_beside_the_text_by_another_stays(tmp_path: Path) -> None:
    seen = drafts.begin(tmp_path, "idea", "proposal", TEXT)
    drafts.put(tmp_path, seen, judged="a" * 64)
    assert drafts.put(tmp_path, seen, text="more").judged == "a" * 64


def test_a_text_whose_note_is_lost_is_still_a_draft(tmp_path: Path) -> None:
    drafts.begin(tmp_path, "idea", "proposal", TEXT)
    (tmp_path / "drafts" / "idea.json").write_text("{")
    found = drafts.load(tmp_path, "idea")
    assert (found.text, found.kind, found.changed) == (TEXT, "proposal", True)


def test_renaming_changes_the_function_and_its_calls_alone() -> None:
    assert drafts.rename(TEXT, "idea", "other") == TEXT.replace("def  idea", "def  other").replace(
        "return idea(", "return other("
    )


def test_a_shipped_file_is_nobodys_own(tmp_path: Path) -> None:
    entry = REGISTRY.proposals["complexity"]
    assert drafts.mine(str(SHIPPED / "complexity.py"), SHIPPED) is None
    assert drafts.mine(str(SHIPPED / "_template.py"), SHIPPED) is None
    assert drafts.mine(str(SHIPPED / "counterexamples" / "fingerprint.py"), SHIPPED) is None
    assert drafts.mine(str(SHIPPED / "an_idea.py"), SHIPPED) == SHIPPED / "an_idea.py"  # in a checkout
    assert drafts.mine(str(entry.path.absolute()), tmp_path) is None
    draft = drafts.opened(tmp_path, entry)
    with pytest.raises(RegistryError, match="no file of yours yet"):
        drafts.save(tmp_path, draft, tmp_path / "proposals")


def test_a_copy_is_a_file_and_a_draft_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "proposals"
    draft = drafts.begin(tmp_path, "idea", "proposal", TEXT)
    saved = drafts.save(tmp_path, draft, folder, "other")
    (entry,), _ = read(folder / "other.py")
    assert (entry.name, saved.name, saved.changed) == ("other", "other", False)
    assert drafts.mine(saved.origin, folder) == folder / "other.py"
    assert [d.name for d in drafts.drafts(tmp_path)] == ["other"]
    for name in ("other", "no name", "class", "_hidden"):
        with pytest.raises(RegistryError):
            drafts.save(tmp_path, saved, folder, name)


def test_a_text_that_python_cannot_read_is_saved_as_it_is(tmp_path: Path) -> None:
    draft = drafts.begin(tmp_path, "idea", "counterexample", "def torn(:")
    saved = drafts.save(tmp_path, draft, tmp_path / "proposals", "torn")
    assert (tmp_path / "proposals" / "counterexamples" / "torn.py").read_text() == "def torn(:\n"
    assert saved.kind == "counterexample"


def test_a_file_is_opened_once_and_followed_while_nothing_was_typed(tmp_path: Path) -> None:
    path = tmp_path / "idea.py"
    path.write_text(TEXT)
    first = drafts.opened(tmp_path, read(path)[0][0])
    assert drafts.opened(tmp_path, read(path)[0][0]) == first
    path.write_text(TEXT + "# more\n")
    assert drafts.opened(tmp_path, read(path)[0][0]).text == TEXT + "# more\n"
    typed = drafts.put(tmp_path, drafts.load(tmp_path, "idea"), text="mine")
    assert drafts.opened(tmp_path, read(path)[0][0]) == typed
    assert drafts.opened(tmp_path, read_text(tmp_path / "idea2.py", TEXT)[0][0]).name == "idea_2"
