"""Queries over the metrics of many runs at once."""

import math
from collections.abc import Sequence

from sqlalchemy import Connection, and_, func, select

from elk_sandbox.runtime.tables import metrics

__all__ = ["latest"]


def latest(connection: Connection, keys: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the value of each key at its last step, by run and key; nan where it is undefined."""
    named = metrics.c.key.in_(keys)
    last = select(metrics.c.run, metrics.c.key, func.max(metrics.c.step).label("step"))
    end = last.where(named).group_by(metrics.c.run, metrics.c.key).subquery()
    same = and_(*(metrics.c[name] == end.c[name] for name in ("run", "key", "step")))
    found: dict[str, dict[str, float]] = {}
    for run, key, value in connection.execute(select(metrics.c.run, metrics.c.key, metrics.c.value).join(end, same)):
        found.setdefault(run, {})[key] = math.nan if value is None else value
    return found
