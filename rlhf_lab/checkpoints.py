"""Checkpoints: tensors in safetensors, the rest in JSON, each with its SHA-256; a folder that is there whole or not.

No pickle, so that loading a file runs nothing. What is loaded is bit for bit what was saved, or an error names the file
that is missing, cut short or altered.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as tensors_of
from safetensors.torch import save as bytes_of
from torch import Tensor

from elk_sandbox.runtime import workspace
from rlhf_lab.checkpoint_files import FORMAT, HEAD, META, TENSORS, CheckpointError, old_name, read

__all__ = ["CheckpointError", "Series", "load", "save"]

NAME = re.compile(r"(\d+)|\.(\d+)\.old")  # of a folder with a checkpoint


def save(folder: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Save tensors (of any device, shape and type) and JSON values as `folder`, in place of what is there.

    It is on the disk when this returns; if it raises, or is killed at any moment, `folder` is what it was. One writer
    a folder. Raises CheckpointError if a file cannot be written (a full disk), TypeError if `meta` is no JSON.
    """
    data = bytes_of({name: _apart(tensor) for name, tensor in tensors.items()})
    described = {"format": FORMAT, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "meta": dict(meta)}
    rest = '", ' + json.dumps(described)[1:] + "\n"
    contents: dict[str, str | bytes] = {TENSORS: data, META: HEAD + hashlib.sha256(rest.encode()).hexdigest() + rest}
    new, old = _new(folder), old_name(folder)
    file = folder
    try:
        _settle(folder)
        for name, content in contents.items():
            file = folder / name
            workspace.write(new / name, content)
        file = folder
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        workspace.sync(folder.parent)
    except OSError as reason:
        with suppress(OSError):
            _settle(folder)
        told = f"{file} cannot be written: {reason.strerror}; what was saved before is safe, make room and go on"
        raise CheckpointError(told) from reason
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def load(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors (on the CPU) and the JSON values of a checkpoint.

    Raises CheckpointError that names the file that is missing, cut short or altered.
    """
    data, meta = read(folder)
    return tensors_of(data), meta


class Series:
    """The checkpoints of a run, each in a folder named by its step; one writer, who holds the run's lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.complaints: list[str] = []  # what the last `newest` passed over, and why

    def steps(self) -> list[int]:
        """Return the steps of which there is a checkpoint, good or bad, in order."""
        names = [path.name for path in self.root.glob("*")]
        return sorted({int(found[1] or found[2]) for name in names if (found := NAME.fullmatch(name))})

    def save(self, step: int, tensors: Mapping[str, Tensor], meta: Mapping[str, Any], keep: int = 2) -> None:
        """Save a checkpoint; once it is safe, delete all but it and the `keep` - 1 before it.

        Those of later steps go too: the writer passed them over as bad, or it would not be here again. Raises
        CheckpointError if it cannot be written; then nothing was deleted.
        """
        for each in self.steps():
            with suppress(OSError):
                _settle(self._folder(each))
        save(self._folder(step), tensors, meta)
        kept = [each for each in self.steps() if each < step][1 - keep :] if keep > 1 else []
        for other in self.steps():
            if other != step and other not in kept:
                with suppress(OSError):
                    self._folder(other).rename(_new(self._folder(other)))
        for leftover in self.root.glob(".*.new"):
            shutil.rmtree(leftover, ignore_errors=True)

    def newest(self) -> tuple[int, dict[str, Tensor], dict[str, Any]] | None:
        """Return the step, tensors and values of the last good checkpoint, None if there is none.

        `complaints` then holds a line for each later one: which file is bad, and how.
        """
        self.complaints = []
        for step in reversed(self.steps()):
            try:
                return step, *load(self._folder(step))
            except CheckpointError as reason:
                self.complaints.append(str(reason))
        return None

    def _folder(self, step: int) -> Path:
        return self.root / f"{step:08d}"


def _apart(tensor: Tensor) -> Tensor:
    """Return a copy that shares no memory, as tied weights do, with another."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _new(folder: Path) -> Path:
    """Return where a checkpoint is written before it has its name, and goes to be deleted."""
    return folder.with_name(f".{folder.name}.new")


def _settle(folder: Path) -> None:
    """Clear what a writer that was killed left behind; one that had lost its name gets it back."""
    shutil.rmtree(_new(folder), ignore_errors=True)
    if old_name(folder).exists():
        if folder.exists():
            shutil.rmtree(old_name(folder))
        else:
            old_name(folder).rename(folder)
