import sys

import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: other arithmetic", control="screen", needs=("complexity",))
def monkeypatch(reporters: Reporters, view: View) -> Objective:
    """Replaces the View's methods, the arithmetic of Objective and numpy's comparisons in its own process.

    A judge that compared the values here would find every bad reporter the dearer one.
    """

    def free(self: View, reporters: Reporters, process: str = "viewer") -> Objective:
        return Objective.of(np.zeros(len(reporters)), "nothing")

    always = lambda *_, **__: True  # noqa: E731
    for module in list(sys.modules.values()):
        if module.__name__.startswith("elk_sandbox"):
            for name in ("is_honest", "honest", "witness", "_compare", "_relation", "TIE", "FLOOR", "_checked"):
                if name in vars(module):
                    setattr(module, name, always)
    View.cross_entropy = free  # type: ignore[method-assign]
    Objective.__lt__ = always  # type: ignore[attr-defined]
    np.min = np.argmin = np.isfinite = np.allclose = always  # type: ignore[assignment]
    return view.cross_entropy(reporters)
