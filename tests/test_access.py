"""Who may act: every visitor of a server that listens on this machine only, elsewhere those who know the token."""

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from elk_sandbox.pages import access

SECRET = "a secret of seven words"


@pytest.fixture
def address() -> Iterator[str]:
    before = config.get_option("server.address")
    yield "server.address"
    config.set_option("server.address", before)


def script() -> None:
    import streamlit as st

    from elk_sandbox.pages.access import admit, refusal

    admit()
    st.write("inside")
    st.write(refusal() or "acts")


def shown(app: AppTest) -> list[str]:
    return [each.value for each in app.markdown]


@pytest.mark.parametrize("where", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_this_machine_everyone_acts(address: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config.set_option(address, where)
    monkeypatch.setenv(access.TOKEN, SECRET)
    assert shown(AppTest.from_function(script).run()) == ["inside", "acts"]


@pytest.mark.parametrize("where", ["0.0.0.0", "192.0.2.1", "example.org", None])
def test_elsewhere_nobody_acts_without_a_token_and_the_reason_is_told(
    address: str, where: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.set_option(address, where)
    monkeypatch.delenv(access.TOKEN, raising=False)
    inside, told = shown(AppTest.from_function(script).run())
    assert inside == "inside"
    assert (where or "every address") in told
    assert access.TOKEN in told


def test_elsewhere_the_token_opens_the_app_for_the_session(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config.set_option(address, "0.0.0.0")
    monkeypatch.setenv(access.TOKEN, SECRET)
    app = AppTest.from_function(script).run()
    assert shown(app) == []
    app.text_input[0].input("a guess")
    app.button[0].click().run()
    assert [e.value for e in app.error] == ["That is not the token."]
    assert shown(app) == []
    app.text_input[0].input(SECRET)
    app.button[0].click().run()
    assert shown(app) == ["inside", "acts"]
    assert shown(app.run()) == ["inside", "acts"]
    assert shown(AppTest.from_function(script).run()) == []


def test_the_shipped_configuration_listens_on_this_machine_only() -> None:
    assert st.get_option("server.address") == "127.0.0.1"
