"""What the server of app.py runs for each visitor: the list of pages, and the page that is asked for."""

import streamlit as st

from elk_sandbox.pages.access import admit
from elk_sandbox.pages.icon import icon

ELK = "elk_sandbox/pages"

st.set_page_config(page_title="elk-sandbox", page_icon=icon(), layout="wide")
page = st.navigation(
    {
        "ELK": [
            st.Page(f"{ELK}/matrix.py", title="Matrix", default=True),
            st.Page(f"{ELK}/workbench.py", title="Workbench"),
        ],
    },
    position="top",
)
admit()
page.run()
