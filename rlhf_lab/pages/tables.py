"""Rows as a chart's data, and tables of findings as HTML in the app's look."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import altair as alt
import pandas as pd

__all__ = ["charted", "table"]


def charted(rows: Sequence[Mapping[str, Any]]) -> Any:
    """An Altair chart of these rows, without a mark yet.

    A frame, since Altair checks and copies rows that are given as such one by one, which takes seconds for thousands.
    """
    return alt.Chart(pd.DataFrame(list(rows)))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> str:
    """A table that scrolls in a box of its own where it is too wide; all text is escaped."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    whole = f'<div class="wide" tabindex="0" role="region" aria-label="{escape(title, quote=True)}"><table>'
    whole += f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    return f"<h2>{escape(title)}</h2>{whole}" + (f'<p class="quiet">{escape(note)}</p>' if note else "")
