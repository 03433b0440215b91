"""What a blind rating found: the arms of a rater, compared, and her agreement with the others on the same sheet."""

from dataclasses import asdict
from typing import Any

import numpy as np

from elk_sandbox.runtime.store import Store
from rlhf_lab.blind_rating import alpha, compare_arms, kappa
from rlhf_lab.blind_sheet import progress, reveal

__all__ = ["outcome", "told"]


def outcome(store: Store, sheet: str, rater: str, *, viewer: str | None = None, force: bool = False) -> dict[str, Any]:
    """Reveal to the viewer and compare, as plain values. Raises InputError as `reveal` does."""
    found = reveal(store, sheet, rater, viewer=viewer, force=force)
    others = [who for who, (done, total) in progress(store, sheet).items() if done == total and who != rater]
    return {
        "sheet": sheet,
        "rater": rater,
        "rated": {arm: len(values) for arm, values in found.arms.items()},
        "distinct": found.distinct,
        "shared": found.shared,
        "left": found.left,
        "broken": found.broken,
        "comparisons": [asdict(c) for c in compare_arms(found.arms)],
        "agreement": _agreement(store, sheet, rater, others) if others else None,
    }


def _agreement(store: Store, sheet: str, rater: str, others: list[str]) -> dict[str, Any]:
    """Of all raters, nan for what one has not rated yet; kappa on the texts that both have rated."""
    numbers = [item.number for item in store.items(sheet)]
    said = [{j.number: j.value for j in store.current(sheet, who)} for who in (rater, *others)]
    ratings = np.array([[given.get(number, np.nan) for number in numbers] for given in said], np.float64)
    pairs = [ratings[[0, k]][:, ~np.isnan(ratings[[0, k]]).any(axis=0)].astype(np.int64) for k in range(1, len(said))]
    return {
        "raters": [rater, *others],
        "alpha": alpha(ratings),
        "kappa": {who: kappa(*pair) for who, pair in zip(others, pairs, strict=True)},
    }


def told(found: dict[str, Any]) -> list[str]:
    """The outcome in lines."""
    lines = [f"{found['sheet']}, rated by {found['rater']}"]
    if found["broken"]:
        lines.append("The blind was broken: arms were revealed before all was rated, or she rated on after it.")
    for c in found["comparisons"]:
        a, b = c["positive"]
        for name, share in zip(c["names"], (a, b), strict=True):
            lines.append(
                f"  {name}: {share['successes']} of {share['trials']} positive, {share['share']:.0%} "
                f"[{share['low']:.0%}, {share['high']:.0%}]"
            )
        lines.append(
            f"  difference {c['difference']:+.0%} [{c['low']:+.0%}, {c['high']:+.0%}]; Fisher p {c['fisher']:.2g}, "
            f"Mann-Whitney p {c['mann_whitney']:.2g} ({c['method']}), U / pairs {c['superiority']:.2f}"
            + (
                f"; after Holm {c['fisher_holm']:.2g} and {c['mann_whitney_holm']:.2g}"
                if len(found["rated"]) > 2
                else ""
            )
        )
    repeated = {arm: n - found["distinct"][arm] for arm, n in found["rated"].items() if n > found["distinct"][arm]}
    for arm, n in repeated.items():
        lines.append(f"  {n} of {found['rated'][arm]} texts of {arm} repeat another: their ratings are not independent")
    if found["agreement"]:
        pairs = ", ".join(f"kappa {value:.2f} with {who}" for who, value in found["agreement"]["kappa"].items())
        lines.append(f"  agreement: {pairs}; Krippendorff's alpha of all {found['agreement']['alpha']:.2f}")
    return lines
