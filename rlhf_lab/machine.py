"""What a computation's last bits depend on: device, threads, versions; set once, recorded in every checkpoint."""

import ctypes
import platform
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch

from elk_sandbox.terminal import InputError

__all__ = ["changes", "fingerprint", "prepare", "refuse_if_changed"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt


def prepare(device: str = "cpu", threads: int = 0) -> torch.device:
    """Set the number of threads (0: as it is) and return the device. Raises InputError for one that is not here."""
    try:
        chosen = torch.device(device)
    except RuntimeError as reason:
        raise InputError(f"no device {device!r}: say cpu or cuda") from reason
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise InputError("this machine offers no CUDA device to PyTorch: leave out --device, or install a CUDA build")
    if threads > 0:
        torch.set_num_threads(threads)
    if sys.platform == "linux":
        _keep_freed_memory()
    return chosen


def _keep_freed_memory() -> None:
    """Take large temporaries from the heap and leave them there: mapped anew each time, pages cost more than sums."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
    except (OSError, AttributeError):  # another C library: slower, not wrong
        pass


def fingerprint(device: torch.device) -> dict[str, Any]:
    """What must be the same for a resumed run to give the same bits."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {"device": device.type, "processor": name, "threads": torch.get_num_threads(), "torch": torch.__version__}


@cache
def _processor() -> str:
    """The model and its vector instructions: two makers' sums differ where both have the same instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return " ".join(filter(None, (model or platform.processor(), torch.backends.cpu.get_cpu_capability())))


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What is not as it was, in words; empty if all is."""
    return "; ".join(
        f"{key} {before.get(key)!r} then, {value!r} now" for key, value in now.items() if before.get(key) != value
    )


def refuse_if_changed(before: Mapping[str, Any], device: torch.device) -> None:
    """Raises InputError that names what differs from the machine on which a run began."""
    if changed := changes(before, fingerprint(device)):
        raise InputError(
            f"the run began on another machine ({changed}), so it would not give the same bits: "
            "resume it there, or clone it and start anew"
        )
