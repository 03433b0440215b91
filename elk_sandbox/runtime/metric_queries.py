"""Queries over the metrics of many runs at once."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from elk_sandbox.runtime.tables import metrics, runs

__all__ = ["latest"]


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
