"""The lab's pages without a browser: a workspace, what a page says, and commands that are noted instead of started."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store
from rlhf_lab.labels import Text, create_pool
from rlhf_lab.pages.background import background
from rlhf_lab.stages import CONFIGS
from tests import apptest


@dataclass
class Started:
    """What a page would have started: commands by the name of their lock, and runs."""

    commands: dict[str, list[str]] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)


def note_starts(monkeypatch: pytest.MonkeyPatch) -> Started:
    """From here on a page starts nothing; what it would have is noted."""
    found = Started()

    def start(self: Detached, command: Sequence[str], keys: Iterable[str]) -> bool:
        found.commands[self.name] = list(command)
        return True

    def start_detached(run: Run, command: Sequence[str]) -> bool:
        found.runs.append(run.name)
        return True

    monkeypatch.setattr(Detached, "start", start)
    monkeypatch.setattr(jobs, "start_detached", start_detached)
    return found


def visit(page: str, **query: str) -> AppTest:
    """A page of the lab, opened at an address with these parameters."""
    return apptest.opened(f"rlhf_lab/pages/{page}.py", **query)


def told(app: AppTest) -> str:
    """All words of the page's own HTML."""
    return unescape(re.sub(r"<[^>]+>", " ", apptest.told(app)))


def pool(store: Store, name: str = "first", many: int = 30) -> list[str]:
    """A pool of texts; returns them."""
    texts = [f"Speech {k}." for k in range(many)]
    create_pool(store, name, [Text(text, (k, 1), "base") for k, text in enumerate(texts)], seed=5)
    return texts


def ended(home: Path, name: str, asked: str, answer: dict[str, Any]) -> None:
    """A command of this name has ended that was started for `asked`, and answered this."""
    job = background(home, name)
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / f"{name}.json").write_text(json.dumps([asked]))
    job.log.write_text(json.dumps(answer) + "\n")


def finished(store: Store, home: Path, name: str, kind: str, parents: dict[str, str] | None = None) -> Run:
    """A run that is entered as done, with no model."""
    config = vars(CONFIGS[kind]()) | ({"length": 24} if kind == "ppo" else {})
    run = jobs.create(store, home, name, kind, config, parents or {})
    store.mark_started(name)
    store.mark_ended(name, "done")
    return run
