"""What the server of app.py runs for each visitor: the list of pages, and the page that is asked for."""

import streamlit as st

from elk_sandbox.pages.access import admit
from elk_sandbox.pages.icon import icon

ELK, LAB = "elk_sandbox/pages", "rlhf_lab/pages"

st.set_page_config(page_title="elk-sandbox", page_icon=icon(), layout="wide")
page = st.navigation(
    {
        "": [st.Page(f"{LAB}/home.py", title="Home", default=True)],
        "ELK": [
            st.Page(f"{ELK}/vault.py", title="Vault"),
            st.Page(f"{ELK}/workbench.py", title="Workbench"),
            st.Page(f"{ELK}/matrix.py", title="Matrix"),
            st.Page(f"{ELK}/flip.py", title="When does it flip?"),
            st.Page(f"{ELK}/networks.py", title="Networks"),
        ],
        "RLHF": [
            st.Page(f"{LAB}/runs.py", title="Runs"),
            st.Page(f"{LAB}/label.py", title="Label"),
            st.Page(f"{LAB}/reward.py", title="Reward model"),
            st.Page(f"{LAB}/checkpoints.py", title="Checkpoints"),
            st.Page(f"{LAB}/overoptimization.py", title="Over-optimisation"),
            st.Page(f"{LAB}/blind.py", title="Blind rating"),
        ],
    },
    position="top",
)
admit()
page.run()
