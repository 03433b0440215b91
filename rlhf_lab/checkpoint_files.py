"""The files of a checkpoint, read and checked without PyTorch: for pages and commands that load no model."""

import hashlib
import json
from pathlib import Path
from typing import Any

from elk_sandbox.terminal import InputError

__all__ = ["FORMAT", "HEAD", "META", "TENSORS", "CheckpointError", "check_of", "old_name", "read"]

TENSORS, META = "tensors.safetensors", "meta.json"
FORMAT = 1
HEAD = '{"check": "'  # then the SHA-256 of all that follows it, in hexadecimal


class CheckpointError(InputError):
    """A file of a checkpoint is missing, cut short, altered or cannot be written; the line names it."""


def read(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """Return a checkpoint's tensors as the bytes of a safetensors file, and its JSON values.

    Raises CheckpointError that names the file that is missing, cut short or altered.
    """
    place = folder if folder.exists() or not old_name(folder).exists() else old_name(folder)
    described = _described(_read(place / META, folder / META), folder / META)
    data = _read(place / TENSORS, folder / TENSORS)
    if len(data) != described["bytes"]:
        raise CheckpointError(f"{folder / TENSORS} holds {len(data)} of {described['bytes']} bytes")
    if hashlib.sha256(data).hexdigest() != described["sha256"]:
        raise CheckpointError(f"{folder / TENSORS} was altered: its SHA-256 is not what {META} says")
    return data, described["meta"]


def check_of(folder: Path) -> str:
    """What a checkpoint is known by: the SHA-256 in the head of its JSON, which covers all of it; empty if none."""
    try:
        with (folder / META).open("rb") as file:
            return file.read(len(HEAD) + 64)[len(HEAD) :].decode("ascii", "replace")
    except OSError:
        return ""


def _described(raw: bytes, file: Path) -> dict[str, Any]:
    check, rest = raw[len(HEAD) : len(HEAD) + 64], raw[len(HEAD) + 64 :]
    if not raw.startswith(HEAD.encode()) or check != hashlib.sha256(rest).hexdigest().encode():
        raise CheckpointError(f"{file} was altered or cut short: it is not what its check says")
    described: dict[str, Any] = json.loads(raw)
    if described["format"] != FORMAT:
        raise CheckpointError(f"{file} was written by another version of rlhf-lab: update it")
    return described


def _read(file: Path, told: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as reason:
        raise CheckpointError(f"{told} is missing") from reason
    except OSError as reason:
        raise CheckpointError(f"{told} cannot be read: {reason.strerror}") from reason


def old_name(folder: Path) -> Path:
    """Return where a checkpoint is from losing its name to another until that has it."""
    return folder.with_name(f".{folder.name}.old")
