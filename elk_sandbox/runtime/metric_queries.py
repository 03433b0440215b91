"""Queries over the metrics of runs."""

import math
from collections.abc import Sequence

from sqlalchemy import Connection, select

from elk_sandbox.runtime.tables import metrics, runs

__all__ = ["latest", "of_run"]


def of_run(connection: Connection, run: str, keys: Sequence[str] | None) -> dict[str, list[tuple[int, float]]]:
    """Return (step, value) in the order of steps, for each key, or each of these that the run has."""
    query = select(metrics.c.key, metrics.c.step, metrics.c.value).where(metrics.c.run == run)
    query = query if keys is None else query.where(metrics.c.key.in_(keys))
    found: dict[str, list[tuple[int, float]]] = {}
    for key, step, value in connection.execute(query.order_by(metrics.c.key, metrics.c.step)):
        found.setdefault(key, []).append((step, math.nan if value is None else value))
    return found


def latest(connection: Connection, keys: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the value of each key at its last step, by run and key; those that are undefined or not there left out.

    Each is looked up at the end of the primary key, so that it does not matter how long a run is.
    """
    ends = [
        select(metrics.c.value)
        .where(metrics.c.run == runs.c.name, metrics.c.key == key)
        .order_by(metrics.c.step.desc())
        .limit(1)
        .scalar_subquery()
        for key in keys
    ]
    found = {}
    for name, *values in connection.execute(select(runs.c.name, *ends)):
        found[name] = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
    return found
