"""Opening a page of the lab without a browser."""

import json
from typing import Any

from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from tests.sample import REPOSITORY


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(REPOSITORY / "navigation.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(f"rlhf_lab/pages/{page}.py").run()
    assert not app.exception
    return app


def told(app: AppTest) -> str:
    """All HTML that the page shows, its style apart."""
    bodies = [element.proto.body for element in app.get("html")]
    return "\n".join(body for body in bodies if not body.startswith("<style>"))


def charts(app: AppTest) -> list[str]:
    """Each chart's specification, and the rows of all its data as CSV."""
    found = []
    for element in app.get("vega_lite_chart"):
        frames = [convert_arrow_bytes_to_pandas_df(each.data.data) for each in element.proto.datasets]
        found.append("\n".join([element.proto.spec, *(frame.to_csv(index=False) for frame in frames)]))
    return found


def tables(app: AppTest) -> list[dict[str, Any]]:
    """What the token tables were given."""
    return [json.loads(element.proto.json) for element in app.get("bidi_component")]
