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
    drafts.discard(tmp_path, name)


def test_whoever_saw_an_older_text_writes_nothing(tmp_path: Path) -> None:
    seen = drafts.begin(tmp_path, "idea", "proposal", TEXT)
    drafts.put(tmp_path, seen, text="theirs")
    with pytest.raises(drafts.Overtaken):
        drafts.put(tmp_path, seen, text="mine")
    assert drafts.load(tmp_path, "idea").text == "theirs"
    drafts.discard(tmp_path, "idea")
    with pytest.raises(drafts.Overtaken):
        drafts.put(tmp_path, seen, text="mine")


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
