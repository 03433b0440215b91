"""Which reward model is shown beside the proxy: chosen, and told how far it learned from the same labels."""

from pathlib import Path

import streamlit as st

from elk_sandbox.runtime.run import Run, folder_of
from rlhf_lab.checkpoint_files import META
from rlhf_lab.evaluating import seconds, shared_labels
from rlhf_lab.pages.kept import changed
from rlhf_lab.settings import RATER

__all__ = ["second_model"]


def second_model(run: Run, key: str) -> str | None:
    """The choice; by default the latest that shares no label with the proxy, and none if there is no such."""
    shared = {name: _shared(run, name) for name in seconds(run)}
    offered = ["none", *shared]
    usual = next((name for name, many in shared.items() if many == 0), "none")

    def told(name: str) -> str:
        if name == "none" or shared[name] == 0:
            return name
        return f"{name}, {'labels unknown' if shared[name] is None else f'{shared[name]} labels the same'}"

    chosen = st.selectbox(
        "Second reward model", offered, offered.index(usual), key=key, format_func=told,
        help="One that did not train the policy: where it parts from the proxy, the proxy is being gamed. It is a "
        "meter of its own only if it learned from other labels.",
    )  # fmt: skip
    return None if chosen in (None, "none") else str(chosen)


def _shared(run: Run, second: str) -> int | None:
    proxy = run.parents.get("reward", "")
    if proxy.startswith(RATER):
        return 0
    when = tuple(changed(folder_of(run.home, name) / "labels" / META) for name in (proxy, second))
    return _counted(str(run.home), proxy, second, when) if proxy else None


@st.cache_data(show_spinner=False, max_entries=500)
def _counted(home: str, proxy: str, second: str, when: tuple[int, ...]) -> int | None:
    return shared_labels(Path(home), proxy, second)
