"""Opening a page of the lab without a browser."""

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

from tests import apptest
from tests.apptest import told

__all__ = ["charts", "opened", "tables", "told"]


def opened(page: str, **query: str) -> AppTest:
    return apptest.opened(f"rlhf_lab/pages/{page}.py", **query)


def charts(app: AppTest) -> list[str]:
    """Each chart's specification, and the rows of all its data as CSV."""
    found = []
    for element in app.get("vega_lite_chart"):
        spec = json.loads(element.proto.spec)
        rows = [layer.pop("data")["values"] for layer in _layers(spec) if "data" in layer]
        found.append("\n".join([json.dumps(spec), *(pd.DataFrame(each).to_csv(index=False) for each in rows)]))
    return found


def _layers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield spec
    for each in spec.get("layer", ()):
        yield from _layers(each)


def tables(app: AppTest) -> list[dict[str, Any]]:
    """What the token tables were given."""
    return [json.loads(element.proto.json) for element in app.get("bidi_component")]
