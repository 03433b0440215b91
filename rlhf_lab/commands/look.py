"""Commands that look at a ppo run: evaluate, best-of-n, report, closeup."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.pace import Pace
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError, err, out, print_json
from rlhf_lab.commands.frame import Device, Home, Json, opened
from rlhf_lab.evaluating import shared_labels
from rlhf_lab.launch import check_parent

__all__ = ["register"]

Name = Annotated[str, typer.Argument(help="A ppo run.")]


def register(app: typer.Typer) -> None:
    app.command()(evaluate)
    app.command("best-of-n")(best_of_n)
    app.command()(report)
    app.command()(closeup)


def evaluate(
    name: Name,
    gold: Annotated[str | None, typer.Option(help="careful or vader; default careful on the stage corpus.")] = None,
    second: Annotated[str | None, typer.Option(help="A reward run that did not train the policy.")] = None,
    completions: Annotated[int, typer.Option(help="Of each checkpoint.", min=4)] = 1000,
    pool: Annotated[int, typer.Option(help="Samples of the original model, for best-of-n.", min=100)] = 8192,
    seed: Annotated[int, typer.Option(help="Of the samples.", min=0)] = 1,
    device: Device = "cpu",
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Sample every checkpoint and score it by proxy, second reward model, and gold; then write figures and report."""
    from rlhf_lab.evaluation import evaluate as look

    with opened(workspace) as (store, home):
        run = jobs.open_run(store, home, name)
        if second:
            check_parent("second", jobs.open_run(store, home, second))
            _another(home, run.parents.get("reward", ""), second)
        try:
            look(
                run, gold=gold, second=second, completions=completions, pool=pool, seed=seed,
                device=device,
                tell=lambda done, total: run.progress(done, total, f"evaluating checkpoint {done} of {total - 1}"),
            )  # fmt: skip
        finally:
            run.close()
        _report(run, as_json)


def _another(home: Path, proxy: str, second: str) -> None:
    """Say what a second reward model shares with the proxy. Raises InputError if it is the proxy."""
    if second == proxy:
        raise InputError(f"the policy was trained on {second!r}: --second names a reward run of other labels")
    if shared := shared_labels(home, proxy, second):
        told = f"{second!r} learned from {shared} of the texts of {proxy!r}: no meter of its own"
        err.print(Text(told), soft_wrap=True)


def report(name: Name, workspace: Home = None, as_json: Json = False) -> None:
    """Write the figures and the report of an evaluated run, and say what was found."""
    with opened(workspace) as (store, home):
        _report(_evaluated(store, home, name), as_json)


def best_of_n(name: Name, workspace: Home = None, as_json: Json = False) -> None:
    """Best-of-n by the run's reward, from the evaluation's pool of samples of the original model."""
    import numpy as np

    from rlhf_lab import best_of_n as bon
    from rlhf_lab.evaluation import load_evaluation
    from rlhf_lab.findings import best_of_n_table

    with opened(workspace) as (store, home):
        found = load_evaluation(_evaluated(store, home, name).folder / "evaluation")
    proxy, gold = found.pool_proxy, found.pool_gold
    told = bon.best_of_n(proxy, gold, bon.sizes(len(proxy)), np.random.default_rng(0))
    nats = float(found.curve.nats[-1])
    equal = bon.size_of(nats)  # by its KL alone
    if as_json:
        keys = ("sizes", "kl", "kl_with_ties", "proxy", "proxy_error", "gold", "gold_error", "effective")
        lists = {k: getattr(told, k).tolist() for k in keys}
        print_json({"run": name, "pool": told.pool, "tied": told.tied, "ppo_kl": nats, "n_of_ppo_kl": equal, **lists})
        return
    show(best_of_n_table(told))
    out.print(Text(f"To be as far as the policy went, {nats:.1f} nats, takes the best of about {equal:.2g} samples."))


def closeup(
    name: Name,
    prefix: Annotated[str, typer.Option(help="The beginning; empty: texts from their start.")] = "",
    seed: Annotated[int, typer.Option(help="Of the random numbers, the same at every checkpoint.", min=0)] = 0,
    count: Annotated[int, typer.Option(help="Texts of each checkpoint.", min=1, max=64)] = 8,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Continue a beginning at every checkpoint; say of each token what it adds to the reward. The app shows it."""
    from rlhf_lab.attribution import closeup as look
    from rlhf_lab.closeups import Ask, load_closeup

    with opened(workspace) as (store, home):
        run, pace = jobs.open_run(store, home, name), Pace()

        def tell(done: int, total: int) -> None:
            words = f"looking at checkpoint {done} of {total}"
            if err.is_terminal:
                pace.show(done, total, words)
            else:
                err.print(words, markup=False)  # each: the app reads the last line

        try:
            file = look(run, Ask(prefix.rstrip(" "), seed, count), tell)  # a blank belongs to the token that follows
        finally:
            pace.close()
    found = load_closeup(file)
    assert found is not None
    if as_json:
        print_json(found)
        return
    for each in found["checkpoints"]:
        out.print(Text(f"iteration {each['iteration']}", style="bold"))
        for text in each["texts"]:
            most = sorted(zip(text["adds"], text["pieces"], strict=True), key=lambda pair: -abs(pair[0]))[:3]
            told = ", ".join(f"{piece.strip()} {value:+.2f}" for value, piece in most)
            out.print(Text("".join(text["pieces"]).strip("\n")))
            out.print(Text(f"reward {text['reward']:.2f}; most by {told}", style="dim"))
    out.print(Text(str(file)))


def _evaluated(store: Store, home: Path, name: str) -> Run:
    from rlhf_lab.evaluation import load_evaluation

    run = jobs.open_run(store, home, name)
    if not (run.folder / "evaluation").is_dir():
        raise InputError(f"{name!r} was not evaluated yet: rlhf-lab evaluate {name}")
    if not load_evaluation(run.folder / "evaluation").is_of(run):
        raise InputError(f"{name!r} has gone on since it was evaluated: rlhf-lab evaluate {name}")
    return run


def _report(run: Run, as_json: bool) -> None:
    from rlhf_lab import analysis, plotted
    from rlhf_lab.evaluation import load_evaluation

    found = analysis.analyse(run, load_evaluation(run.folder / "evaluation"))
    pictures = analysis.figures_of(run, found)
    files = analysis.write(run.folder / "report", pictures, analysis.report_of(run, found, pictures))
    plotted.keep(run, found)
    told = analysis.summary(found)
    if as_json:
        print_json({**told, "files": [str(file) for file in files]})
        return
    show(analysis.summary_table(told))
    for line in filter(None, (told["headline"], told["factors"], *map(str, files))):
        out.print(Text(line))


def show(found: object) -> None:
    """A table of findings on the terminal."""
    from rlhf_lab.cells import Table as Told

    assert isinstance(found, Told)
    table = Table(*found.columns, box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for row in found.rows:
        table.add_row(*map(Text, row))
    out.print(table)
    if found.note:
        out.print(Text(found.note, style="dim"))
