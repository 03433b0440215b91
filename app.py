"""The server of the app: `make app`, or `streamlit run app.py`. Its pages are in navigation.py."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from elk_sandbox.pages.access import OwnMachine
from elk_sandbox.pages.fonts import LocalFonts
from elk_sandbox.pages.garbage import look_at_new_objects_only
from elk_sandbox.pages.policy import ContentSecurityPolicy

look_at_new_objects_only()
app = st.App(
    Path(__file__).with_name("navigation.py"),
    middleware=[Middleware(ContentSecurityPolicy), Middleware(OwnMachine), Middleware(LocalFonts)],
)
