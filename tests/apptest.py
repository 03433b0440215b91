"""A page of the app without a browser: opened at an address, and what it says."""

from streamlit import config
from streamlit.testing.v1 import AppTest

from tests.sample import REPOSITORY

__all__ = ["opened", "told"]

config.get_config_options()  # read from the repository, before a test goes to a folder of its own


def opened(page: str, **query: str) -> AppTest:
    """A page by its file's path in the repository, at an address with these parameters."""
    app = AppTest.from_file(str(REPOSITORY / "navigation.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(page).run()
    assert not app.exception, [each.value for each in app.exception]
    return app


def told(app: AppTest) -> str:
    """All HTML that the page shows, its style apart."""
    bodies = [element.proto.body for element in app.get("html")]
    return "\n".join(body for body in bodies if not body.startswith("<style>"))
