"""What a proposal can measure, for who writes one."""

from html import escape
from inspect import cleandoc

from elk_sandbox.offers import offers
from elk_sandbox.pages.frame import html
from elk_sandbox.view import View

__all__ = ["measures"]

WORDS = "text-align: left; white-space: normal; min-width: 16rem"


def measures() -> None:
    """Draw the methods of a view, each with its first words, and its arrays."""
    rows = "".join(
        f'<tr><th scope="row"><code>view.{escape(each.call)}</code></th>'
        f'<td style="{WORDS}">{escape(each.meaning)}</td></tr>'
        for each in offers()
    )
    html(
        "<p>An objective is a sum of these, with weights. Each takes reporters and gives one number for each, in "
        "nats or as a count.</p>"
        f'<div class="wide" tabindex="0" role="region" aria-label="Measures"><table><tbody>{rows}</tbody></table></div>'
        f"<p>And the world itself, as arrays:</p><pre>{escape(cleandoc(View.__doc__ or ''))}</pre>"
    )
