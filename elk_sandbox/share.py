"""One cell as one self-contained HTML page: no script, no request, light and dark, to be mailed or archived."""

import platform
from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from typing import Any

from elk_sandbox.markup import STYLE, badge, facts, ledger, number, paragraphs, sentence, witness
from elk_sandbox.palette import variables
from elk_sandbox.runtime.registry import Entry

__all__ = ["page", "versions"]

_PAGE = f"""
:root {{ color-scheme: light dark; {variables()} }}
body {{ margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--elk-paper);
  color: var(--elk-ink); font: 1rem/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.75rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.0625rem; margin: 2.25rem 0 0.5rem; }}
h1 small {{ display: block; font-size: 0.9375rem; font-weight: 400; color: var(--elk-quiet); }}
pre {{ overflow-x: auto; padding: 0.9rem 1rem; border: 1px solid var(--elk-line); border-radius: 0.4rem;
  font: 0.8125rem/1.5 ui-monospace, monospace; }}
"""


def versions() -> dict[str, str]:
    """What the verdict was computed with."""
    packages = {name: version(name) for name in ("elk-sandbox", "numpy", "networkx")}
    return {**packages, "python": platform.python_version()}


def page(
    cell: Mapping[str, Any],
    proposal: Entry,
    counterexample: Entry,
    draws: int,
    used: Mapping[str, str] | None = None,
) -> str:
    """The page of one cell: verdict, ledger, witnesses, the lines, both files, and what it takes to repeat it.

    draws: fresh draws beside the stock draw. used: name to version, by default of the installed packages.
    """
    title = f"{cell['proposal']} against {cell['counterexample']}"
    adversary = cell["adversary"] or {}
    sections = [
        ("Ledger", ledger(cell)),
        ("Witness", witness(cell["witness"])),
        ("The adversary's witness", witness(adversary.get("witness"))),
        ("What else decides", facts(cell)),
        (f"The proposal: {proposal.name}", _file(proposal, cell, "proposal")),
        (f"The counterexample: {counterexample.name}", _file(counterexample, cell, "counterexample")),
        ("To repeat it", _conditions(cell, draws, used or versions())),
    ]
    body = "".join(f"<section><h2>{escape(name)}</h2>{inner}</section>\n" for name, inner in sections if inner)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_PAGE}{STYLE}</style>\n</head>\n"
        f'<body class="elk">\n<h1>{escape(title)}<small>a verdict of elk-sandbox</small></h1>\n'
        f"<p>{badge(cell)}</p>\n<p>{escape(sentence(cell))}</p>\n{body}</body>\n</html>\n"
    )


def _file(entry: Entry, cell: Mapping[str, Any], kind: str) -> str:
    knobs = cell.get("knobs", {}).get(kind, {})
    set_to = f"<p>Knobs: {escape(', '.join(f'{k} = {v!r}' for k, v in knobs.items()))}</p>" if knobs else ""
    tag = entry.meta.get("provenance")
    source = f'<p class="quiet">{escape(str(entry.meta.get("source", "")))} [{escape(str(tag))}]</p>'
    return f"{paragraphs(entry.doc)}{source}{set_to}<pre><code>{escape(entry.text)}</code></pre>"


def _conditions(cell: Mapping[str, Any], draws: int, used: Mapping[str, str]) -> str:
    seeds = "the stock draw, which has no seed"
    if draws:
        seeds += f", and fresh draws with the seeds {', '.join(map(str, range(1, draws + 1)))}"
    rows = [
        ("seeds", seeds),
        ("isolation", escape(str(cell.get("isolation", "unknown: the row was not judged")))),
        ("seconds", number(cell.get("seconds"))),
        *((escape(name), escape(number_)) for name, number_ in used.items()),
    ]
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{told}</dd>' for name, told in rows)}</dl>"
