"""The app: `make app`, or `streamlit run app.py`. It shows; what it shows is computed by the command line."""

import streamlit as st
from PIL import Image

from elk_sandbox.palette import STATES

SIGNS = ("strict", "tie", "survives", "good")


def icon() -> Image.Image:
    """Four cells of the matrix. An icon by name or emoji would be fetched from elsewhere."""
    small = Image.new("RGB", (2, 2))
    for k, name in enumerate(SIGNS):
        small.putpixel((k % 2, k // 2), tuple(bytes.fromhex(STATES[name].fill.light[1:])))
    return small.resize((32, 32), Image.Resampling.NEAREST)


st.set_page_config(page_title="elk-sandbox", page_icon=icon(), layout="wide")
st.navigation([st.Page("elk_sandbox/pages/matrix.py", title="Matrix", default=True)], position="hidden").run()
