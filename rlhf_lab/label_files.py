"""Labels from and to files: CSV with a header, or JSONL, an object a line. A file is taken whole or not at all."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from elk_sandbox.runtime.store import Store
from elk_sandbox.runtime.tables import Event, Judgement
from elk_sandbox.runtime.workspace import write
from elk_sandbox.terminal import InputError, writing
from rlhf_lab.labels import WORDS, require_person

__all__ = ["Imported", "export_labels", "import_labels", "labels_text"]

LABELS = {str(value): value for value in WORDS} | {word: value for value, word in WORDS.items()}
EXPECTED = "-1, 0, 1 or negative, neutral, positive"
CURRENT: tuple[str, ...] = ("id", "text", "label", "rater", "place", "at")
EVENTS = ("event", "id", "text", "label", "rater", "place", "at", "undoes")

Row = tuple[str, dict[str, Any]]  # where it stands, "row 3" or "line 3", and its cells


@dataclass(frozen=True)
class Imported:
    """What a file of labels brought."""

    new: int  # items that the rater had not labelled
    changed: int  # items that she had labelled otherwise; the file's label now stands
    unchanged: int  # items with that label already, for which nothing is stored


def import_labels(store: Store, name: str, path: Path, who: str) -> Imported:
    """Store the labels of a file as those of the rater `who`, in the file's order, all or none.

    Columns: `label` (-1, 0, 1 or negative, neutral, positive), and `id` (the item's number) or `text` (the label is
    then that of every item with this text) or both, which must agree; others are ignored. Blanks and line ends count
    for nothing when texts are compared. Raises InputError that names the file and the row for all else.
    """
    require_person(store, name, who)
    pool = _Pool(name, {item.number: _plain(item.text) for item in store.items(name)})
    labels: dict[int, int] = {}
    rows: dict[int, str] = {}  # item to the row that labels it
    for row, cells in _rows(path):
        for number in pool.labelled_by(f"{path}, {row}", cells):
            if number in rows:
                raise InputError(
                    f"{path}, {row}: item {number} was labelled in {rows[number]} already: keep one "
                    "(of several raters' labels, --export FILE --rater NAME writes one's)"
                )
            rows[number], labels[number] = row, _label(f"{path}, {row}", cells.get("label"))
    if not labels:
        raise InputError(f"{path} has no labels: expected columns label, and id or text, and a row for each label")
    known = {judgement.number: judgement.value for judgement in store.current(name, who)}
    fresh = [(number, value) for number, value in labels.items() if known.get(number) != value]
    store.judge_all(name, who, fresh)
    changed = sum(number in known for number, _ in fresh)
    return Imported(len(fresh) - changed, changed, len(labels) - len(fresh))


def export_labels(
    store: Store, name: str, path: Path, *, rater: str | None = None, what: Literal["current", "events"] = "current"
) -> int:
    """Write the labels that stand, or all events, of a rater or of all, to a .csv or .jsonl file; returns how many.

    Raises InputError for another kind of file, if it cannot be written, and if there are no labels.
    """
    written, many = labels_text(store, name, path, rater=rater, what=what)
    with writing(path):
        write(path, written)
    return many


def labels_text(
    store: Store, name: str, path: Path, *, rater: str | None = None, what: Literal["current", "events"] = "current"
) -> tuple[str, int]:
    """What `export_labels` writes to a file of this name, and of how many rows it is. Raises InputError as it does."""
    lines_of = _writer(path)
    texts = {item.number: item.text for item in store.items(name)}
    columns, rows = CURRENT, [_row(each, texts) for each in store.current(name, rater)]
    if what == "events":
        events = store.events(name, rater)
        place = {event.id: event.place for event in events}
        columns = EVENTS
        rows = [
            {"event": "undo"} | _row(event, texts) | {"undoes": place[event.undoes]}
            if event.undoes is not None
            else {"event": "label"} | _row(event, texts) | {"undoes": None}
            for event in events
        ]
    if not rows:
        raise InputError(f"{name!r} has no labels{f' of {rater!r}' if rater else ''} to write: label it first")
    return lines_of(columns, rows), len(rows)


def _plain(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True)
class _Pool:
    """What a file's rows are looked up in."""

    name: str
    texts: dict[int, str]  # item to its text, blanks made alike

    @cached_property
    def by_text(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, text in self.texts.items():
            found.setdefault(text, []).append(number)
        return found

    def labelled_by(self, where: str, cells: dict[str, Any]) -> list[int]:
        """The items that a row labels."""
        told, text = _cell(cells, "id"), _cell(cells, "text")
        if not isinstance(text, str | None):
            raise InputError(f"{where}: text is {text!r}: expected words in quotes")
        if told is not None:
            number = _whole(told)
            if number not in self.texts:
                raise InputError(
                    f"{where}: {self.name!r} has no item {told!r}: expected an id from 0 to {len(self.texts) - 1}"
                )
            if text is not None and _plain(text) != self.texts[number]:
                raise InputError(
                    f"{where}: item {number} of {self.name!r} has another text than {_short(text)}: "
                    "expected labels of this pool"
                )
            return [number]
        if text is None:
            raise InputError(f"{where}: neither id nor text: expected one of them, and label")
        if _plain(text) not in self.by_text:
            raise InputError(
                f"{where}: {self.name!r} has no text {_short(text)}: expected the text of one of its items"
            )
        return self.by_text[_plain(text)]


def _cell(cells: dict[str, Any], column: str) -> Any:
    """What stands in a column; None for nothing and for blanks."""
    value = cells.get(column)
    return None if isinstance(value, str) and not value.strip() else value


def _row(said: Judgement | Event, texts: dict[int, str]) -> dict[str, Any]:
    return {
        "id": said.number,
        "text": texts[said.number],
        "label": said.value,
        "rater": said.rater,
        "place": said.place,
        "at": said.at,
    }


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")


def _whole(told: Any) -> int:
    """The item's number; -1 for what is none."""
    if isinstance(told, str) and told.strip().isdecimal() and len(told) < 19:
        return int(told)
    return told if isinstance(told, int) and not isinstance(told, bool) else -1


def _label(where: str, told: Any) -> int:
    key = "" if isinstance(told, bool) else str(told).strip().lower()
    if key not in LABELS:
        raise InputError(f"{where}: label is {'missing' if told is None else repr(told)}: expected {EXPECTED}")
    return LABELS[key]


def _rows(path: Path) -> Iterator[Row]:
    """The rows of a file that are not blank."""
    reader = {".csv": _csv_rows, ".jsonl": _jsonl_rows}.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path} is no label file: expected a name that ends in .csv or .jsonl")
    try:
        content = path.read_bytes().decode("utf-8-sig")  # a spreadsheet may put a byte order mark first
    except OSError as reason:
        raise InputError(f"{path} cannot be read: {reason.strerror}") from reason
    except UnicodeDecodeError as reason:
        raise InputError(
            f"{path} is no UTF-8 text (byte {reason.start}): expected CSV or JSONL saved as UTF-8"
        ) from reason
    return reader(path, content)


def _csv_rows(path: Path, content: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        if not any(header):
            raise InputError(f"{path} is empty: expected a header with label, and id or text, and a row for each label")
        if "label" not in header or not {"id", "text"} & set(header) or len(set(header)) < len(header):
            raise InputError(f"{path}, row 1: columns {', '.join(header)}: expected label, and id or text, each once")
        for at, cells in enumerate(reader, 2):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputError(f"{path}, row {at}: {len(cells)} cells: expected {len(header)}, as in the header")
            yield f"row {at}", dict(zip(header, cells, strict=True))
    except csv.Error as reason:
        raise InputError(f"{path}, line {reader.line_num}: {reason}: expected CSV") from reason


def _jsonl_rows(path: Path, content: str) -> Iterator[Row]:
    for at, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError) as reason:
            raise InputError(f"{path}, line {at}: no JSON ({reason}): expected an object a line") from reason
        if not isinstance(cells, dict):
            raise InputError(f'{path}, line {at}: {_short(line)}: expected an object like {{"id": 0, "label": 1}}')
        yield f"line {at}", cells


def _writer(path: Path) -> Any:
    writer = {".csv": _csv_text, ".jsonl": _jsonl_text}.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"{path} is no label file: give it a name that ends in .csv or .jsonl")
    return writer


def _csv_text(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns)  # its line end makes it quote both \r and \n
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _jsonl_text(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
