"""Commands on runs as such: list, show, diff, stop, clone, delete."""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from elk_sandbox.runtime import jobs
from elk_sandbox.terminal import out, print_json
from rlhf_lab import runs
from rlhf_lab.commands.frame import Detach, Home, Json, Set, changes, opened
from rlhf_lab.stages import CONFIGS

__all__ = ["register"]

Name = Annotated[str, typer.Argument(help="A run.")]


def register(app: typer.Typer) -> None:
    app.command("list")(list_)
    for command in (show, diff, stop, clone, delete):
        app.command()(command)


def list_(workspace: Home = None, as_json: Json = False) -> None:
    """List the runs with their state and last figures, and the pools and sheets."""
    with opened(workspace) as (store, home):
        found = runs.every(store, home)
        pools = [
            {"name": c.name, "kind": c.kind, "texts": len(store.items(c.name)), "judged": len(store.current(c.name))}
            for c in store.collections()
            if c.kind in ("pool", "sheet")
        ]
    if as_json:
        print_json({"runs": found, "collections": pools})
        return
    if not found and not pools:
        out.print("Nothing here yet: rlhf-lab demo does the whole exercise; rlhf-lab pretrain NAME begins your own.")
        return
    table = Table("run", "kind", "state", "", box=None, header_style="bold", pad_edge=False)
    for each in found:
        figures = ", ".join(f"{key} {value:.4g}" for key, value in each["headline"].items())
        table.add_row(each["name"], each["kind"], each["state"], Text(each["message"] or _how_far(each) or figures))
    out.print(table)
    for each in pools:
        out.print(Text(f"{each['kind']} {each['name']}: {each['texts']} texts, {each['judged']} labels"))


def _how_far(told: dict[str, Any]) -> str:
    if told["state"] != "running" or not told["progress"]:
        return ""
    from elk_sandbox.terminal import duration

    left = f", {duration(told['left'])} left" if told["left"] is not None else ""
    return f"{told['progress']['words']}{left}"


def show(name: Name, workspace: Home = None, as_json: Json = False) -> None:
    """Show a run: state, parents, settings, last metrics, and the end of its log."""
    with opened(workspace) as (store, home):
        run = jobs.open_run(store, home, name)
        told = runs.summary(run)
    lines = run.log_file.read_text(errors="replace").splitlines()[-8:] if run.log_file.exists() else []
    if as_json:
        print_json({**told, "log": lines})
        return
    out.print(Text(f"{name}: {told['kind']} run, {told['state']}. {told['message'] or _how_far(told)}", style="bold"))
    for role, parent in told["parents"].items():
        out.print(Text(f"{role}: {parent}"))
    _pairs("settings", told["settings"])
    _pairs("metrics", {k: f"{v['value']:.6g} at {v['step']}" for k, v in told["metrics"].items()})
    out.print(Text(f"folder: {told['folder']}"))
    for line in lines:
        out.print(Text(line, style="dim"))


def _pairs(title: str, values: dict[str, Any]) -> None:
    if values:
        table = Table(title, "", box=None, header_style="bold", pad_edge=False)
        for key, value in values.items():
            table.add_row(Text(key), Text(str(value)))
        out.print(table)


def diff(
    one: Name,
    two: Annotated[str, typer.Argument(help="The run to compare it with.")],
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Show in which settings, parents and last metrics two runs differ."""
    with opened(workspace) as (store, home):
        found = runs.differences(*(runs.summary(jobs.open_run(store, home, name)) for name in (one, two)))
    if as_json:
        print_json(found)
        return
    table = Table("", one, two, box=None, header_style="bold", pad_edge=False)
    for part, pairs in found.items():
        for key, (a, b) in pairs.items():
            table.add_row(f"{part[:-1]} {key}", _told(a), _told(b))
    out.print(table if table.row_count else Text(f"{one} and {two} do not differ"))


def _told(value: Any) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def stop(name: Name, workspace: Home = None, as_json: Json = False) -> None:
    """Ask a running run to save its state and stop at its next step."""
    with opened(workspace) as (store, home):
        asked = jobs.stop(jobs.open_run(store, home, name))
    if as_json:
        print_json({"run": name, "asked": asked})
    else:
        out.print(Text(f"{name} stops at its next step" if asked else f"{name} is not running"))


def clone(
    name: Name,
    new: Annotated[str, typer.Argument(help="A name for the new run.")],
    settings: Set = None,
    detach: Detach = False,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Run anew with the same parents and settings but for those of --set."""
    from rlhf_lab.commands.stages import carry_out
    from rlhf_lab.launch import cloned

    with opened(workspace) as (store, home):
        changed = changes(settings, CONFIGS[jobs.open_run(store, home, name).kind])
        carry_out(cloned(store, home, name, new, changed), detach=detach, as_json=as_json, new=True)


def delete(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Although other runs are built on it.")] = False,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Delete a run with its checkpoints and metrics; labels are never deleted."""
    with opened(workspace) as (store, home):
        jobs.delete(store, home, name, force=force)
    if as_json:
        print_json({"deleted": name})
    else:
        out.print(Text(f"{name} is deleted"))
