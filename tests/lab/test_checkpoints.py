"""A checkpoint is what was saved, bit for bit, or an error that names the bad file; a killed writer loses nothing."""

import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rlhf_lab.checkpoints import CheckpointError, Series, load, save

REPOSITORY = Path(__file__).parents[2]
DTYPES = (torch.float32, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool)
FILES = ("tensors.safetensors", "meta.json")
TENSORS = {"weight": torch.arange(6, dtype=torch.float32).reshape(2, 3), "stream": torch.arange(9, dtype=torch.uint8)}
META = {"step": 3, "rate": 0.1, "names": ["a", "é"], "never": None, "limit": math.inf, "deep": {"x": [1, 2.5]}}


def bits(tensor: Tensor) -> tuple[Any, ...]:
    """All that two equal tensors share: NaN is told from NaN by its bits."""
    return tensor.dtype, tensor.shape, bytes(tensor.contiguous().flatten().view(torch.uint8).tolist())


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    size = math.prod(shape) * dtype.itemsize
    raw = draw(st.binary(min_size=size, max_size=size))
    if size == 0:
        return torch.zeros(shape, dtype=dtype)
    if dtype == torch.bool:
        raw = bytes(byte % 2 for byte in raw)
    return torch.frombuffer(bytearray(raw), dtype=dtype).reshape(shape)


@given(
    wanted=st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), tensors()),
    meta=st.dictionaries(st.text(), st.none() | st.integers() | st.floats(allow_nan=False) | st.text()),
)
@settings(deadline=None, max_examples=50)
def test_what_is_loaded_is_what_was_saved(wanted: dict[str, Tensor], meta: dict[str, Any]) -> None:
    wanted.pop("__metadata__", None)  # the format's own key
    with tempfile.TemporaryDirectory() as root:
        save(Path(root) / "deep" / "one", wanted, meta)
        got, told = load(Path(root) / "deep" / "one")
        assert {name: bits(each) for name, each in got.items()} == {name: bits(each) for name, each in wanted.items()}
        assert told == meta
        assert [path.name for path in (Path(root) / "deep").iterdir()] == ["one"]


def test_tied_strided_and_trained_tensors(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.randn(3, 4, generator=torch.Generator().manual_seed(0)))
    wanted = {"embedding": weight, "head": weight, "turned": weight.t(), "part": weight[1:, ::2]}
    save(tmp_path / "one", wanted, {})
    got, _ = load(tmp_path / "one")
    assert {name: bits(each) for name, each in got.items()} == {name: bits(each) for name, each in wanted.items()}
    got["embedding"][0] = 0  # each is its own, and can be written
    assert bits(got["head"]) == bits(weight)


@pytest.fixture
def good(tmp_path: Path) -> Iterator[Path]:
    save(tmp_path / "good", TENSORS, META)
    yield tmp_path / "good"


def test_it_is_read_by_others(good: Path) -> None:
    from safetensors.torch import load_file

    assert {name: bits(each) for name, each in load_file(good / FILES[0]).items()} == {
        name: bits(each) for name, each in TENSORS.items()
    }
    assert json.loads((good / FILES[1]).read_text())["meta"] == META


@pytest.mark.parametrize("name", FILES)
def test_cut_short_anywhere(good: Path, name: str) -> None:
    whole = (good / name).read_bytes()
    for length in range(len(whole)):
        (good / name).write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=rf"good/{name} (holds {length} of {len(whole)} bytes|was altered)"):
            load(good)
    (good / name).write_bytes(whole + b"\n")
    with pytest.raises(CheckpointError, match=f"good/{name}"):
        load(good)
    (good / name).unlink()
    with pytest.raises(CheckpointError, match=f"good/{name} is missing"):
        load(good)


@given(at=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255), name=st.sampled_from(FILES))
@settings(deadline=None, max_examples=200)
def test_a_flipped_byte_anywhere(at: float, mask: int, name: str) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "good"
        save(folder, TENSORS, META)
        raw = bytearray((folder / name).read_bytes())
        raw[int(at * len(raw))] ^= mask
        (folder / name).write_bytes(raw)
        with pytest.raises(CheckpointError, match=f"good/{name} was altered"):
            load(folder)


def test_files_of_two_checkpoints_do_not_mix(good: Path, tmp_path: Path) -> None:
    save(tmp_path / "other", {name: tensor + 1 for name, tensor in TENSORS.items()}, META)
    shutil.copy(tmp_path / "other" / FILES[0], good / FILES[0])
    with pytest.raises(CheckpointError, match=r"good/tensors\.safetensors was altered"):
        load(good)


def test_another_version_and_no_json(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError):
        save(good, TENSORS, {"object": object()})
    assert load(good)[1] == META
    monkeypatch.setattr("rlhf_lab.checkpoint_files.FORMAT", 2)
    with pytest.raises(CheckpointError, match=r"meta\.json was written by another version"):
        load(good)


def test_a_checkpoint_is_replaced_whole(good: Path) -> None:
    save(good, {"weight": torch.ones(2)}, {"step": 4})
    assert load(good)[1] == {"step": 4} and list(load(good)[0]) == ["weight"]
    good.rename(good.with_name(".good.old"))  # as a writer leaves it that is killed between the two renames
    assert load(good)[1] == {"step": 4}
    save(good, TENSORS, META)
    assert load(good)[1] == META
    assert [path.name for path in good.parent.iterdir()] == ["good"]


FULL = """
import resource, sys
from pathlib import Path
import torch
from rlhf_lab.checkpoints import CheckpointError, save
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for folder in sys.argv[1:]:
    for numbers, meta in (10_000, {}), (10, {"long": "x" * 30_000}):
        try:
            save(Path(folder), {"weight": torch.zeros(numbers)}, meta)
        except CheckpointError as reason:
            print(reason)
"""


def test_a_full_disk(good: Path) -> None:
    folders = [str(good), str(good.with_name("fresh"))]
    run = subprocess.run([sys.executable, "-c", FULL, *folders], cwd=REPOSITORY, capture_output=True, text=True)
    assert run.stdout.splitlines() == [
        f"{folder}/{name} cannot be written: File too large; what was saved before is safe, make room and go on"
        for folder in folders
        for name in FILES
    ]
    assert load(good)[1] == META
    assert [path.name for path in good.parent.iterdir()] == ["good"]


def content(step: int) -> dict[str, Tensor]:
    return {"weight": torch.full((500,), float(step)), "stream": torch.tensor([step % 256], dtype=torch.uint8)}


def test_a_series_keeps_the_last(tmp_path: Path) -> None:
    series = Series(tmp_path / "checkpoints")
    assert series.newest() is None and series.steps() == []
    for step in range(0, 50, 10):
        series.save(step, content(step), {"step": step})
    assert series.steps() == [30, 40]
    series.save(50, content(50), {"step": 50}, keep=3)
    assert series.steps() == [30, 40, 50]
    series.save(60, content(60), {"step": 60}, keep=1)
    assert series.steps() == [60]
    found = series.newest()
    assert found is not None and series.complaints == []
    assert (found[0], bits(found[1]["weight"]), found[2]) == (60, bits(content(60)["weight"]), {"step": 60})


def test_a_bad_one_is_passed_over_and_told(tmp_path: Path) -> None:
    series = Series(tmp_path)
    for step in (10, 20, 30):
        series.save(step, content(step), {"step": step}, keep=3)
    (tmp_path / "00000030" / FILES[1]).unlink()
    raw = (tmp_path / "00000020" / FILES[0]).read_bytes()
    (tmp_path / "00000020" / FILES[0]).write_bytes(raw[:-1])
    found = series.newest()
    assert found is not None and found[0] == 10
    assert series.complaints == [
        f"{tmp_path}/00000030/meta.json is missing",
        f"{tmp_path}/00000020/tensors.safetensors holds {len(raw) - 1} of {len(raw)} bytes",
    ]
    series.save(20, content(20), {"step": 20}, keep=1)  # the resumed run comes by again
    assert series.steps() == [20] and series.newest() is not None and series.complaints == []


def test_what_killed_writers_left_is_cleared(tmp_path: Path) -> None:
    series = Series(tmp_path)
    series.save(10, content(10), {"step": 10})
    (tmp_path / "00000010").rename(tmp_path / ".00000010.old")
    (tmp_path / ".00000020.new").mkdir()
    (tmp_path / ".00000020.new" / FILES[0]).write_bytes(b"half")
    found = series.newest()
    assert found is not None and (found[0], series.complaints) == (10, [])
    series.save(30, content(30), {"step": 30})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000010", "00000030"]
    assert load(tmp_path / "00000010")[1] == {"step": 10}


# Kills a writer at its first, second, ... last file operation, and says which step is left, and what was complained of.
AT_EACH = """
import os, signal, sys
from pathlib import Path
from tests.lab.test_checkpoints import content
from rlhf_lab.checkpoints import Series, load, save

def killed_at(operation, work):
    pid = os.fork()
    if pid == 0:
        left = operation
        def count(event, _):
            nonlocal left
            left -= event == "open" or event.startswith(("os.", "shutil."))
            if left < 0:
                signal.raise_signal(signal.SIGKILL)
        sys.addaudithook(count)
        work()
        os._exit(0)
    return os.waitpid(pid, 0)[1]

def single(root):
    one = root / "one"
    save(one, content(1), {"step": 1})
    return lambda: save(one, content(2), {"step": 2}), lambda: load(one)[1]["step"]

def series(root):
    series = Series(root)
    series.save(1, content(1), {"step": 1})
    def look():
        return series.newest()[2]["step"], series.complaints
    return lambda: series.save(2, content(2), {"step": 2}, keep=1), look

for kind in single, series:
    operation, status = 0, 1
    while status:
        work, look = kind(Path(sys.argv[1]) / kind.__name__)
        status = killed_at(operation, work)
        print(kind.__name__, look())
        operation += 1
"""


def test_killed_at_each_file_operation(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", AT_EACH, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for before, after in ("single 1", "single 2"), ("series (1, [])", "series (2, [])"):
        said = [line for line in run.stdout.splitlines() if line.startswith(before.split()[0])]
        switch = said.index(after)
        assert said == [before] * switch + [after] * (len(said) - switch)  # the old one, then the new one
        assert switch > 10 and len(said) - switch > 2


# For each line that it reads, forks a writer that saves on from the newest, each step twice, and says which it saved.
WRITERS = """
import os, sys
from pathlib import Path
from tests.lab.test_checkpoints import content
from rlhf_lab.checkpoints import Series

def write(series):
    found = series.newest()
    step = found[0] if found else 0
    while True:
        step += 1
        for _ in range(2):
            series.save(step, content(step), {"step": step}, keep=1 + step % 2)
            os.write(1, b"%d\\n" % step)

os.write(1, b"up\\n")
for _ in sys.stdin:
    pid = os.fork()
    if pid == 0:
        os.write(1, b"%d\\n" % os.getpid())
        write(Series(Path(sys.argv[1])))
    os.waitpid(pid, 0)
    os.write(1, b"over\\n")
"""


def test_killed_while_it_saves(tmp_path: Path) -> None:
    assert_that_the_newest_is_whole(tmp_path, kills=6)


@pytest.mark.slow
def test_killed_often_while_it_saves(tmp_path: Path) -> None:
    assert_that_the_newest_is_whole(tmp_path, kills=60)


def assert_that_the_newest_is_whole(root: Path, kills: int) -> None:
    chance, series, last = random.Random(0), Series(root), 0
    command = [sys.executable, "-c", WRITERS, str(root)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writers:
        assert writers.stdin is not None and writers.stdout is not None
        assert writers.stdout.readline() == "up\n"
        for _ in range(kills):
            print(file=writers.stdin, flush=True)
            pid = int(writers.stdout.readline())
            said = [int(writers.stdout.readline())]
            time.sleep(chance.uniform(0, 0.15))
            os.kill(pid, signal.SIGKILL)
            said += map(int, iter(writers.stdout.readline, "over\n"))
            found = series.newest()
            assert found is not None and series.complaints == []
            step, got, meta = found
            assert said[0] == last + 1 and step in (said[-1], said[-1] + 1)  # killed before it could say so
            assert meta == {"step": step}
            assert {name: bits(each) for name, each in got.items()} == {
                name: bits(each) for name, each in content(step).items()
            }
            last = step
