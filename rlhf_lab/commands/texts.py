"""Commands on texts: sample from a model, complete a beginning, label a pool."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError, err, out, print_json
from rlhf_lab.commands.frame import Device, Home, Json, knob_values, opened

__all__ = ["register"]

SHOWN = 20  # samples printed at most
Run = Annotated[str, typer.Argument(help="A pretrain or ppo run.")]
Checkpoint = Annotated[int | None, typer.Option(help="Iteration of a ppo run's checkpoint; default the last.")]
Length = Annotated[int | None, typer.Option(help="Tokens; default 24 with words as tokens, else 48.")]
Seed = Annotated[int, typer.Option(help="Of all random draws.", min=0)]


def register(app: typer.Typer) -> None:
    for command in (sample, complete, label):
        app.command()(command)


def sample(
    run: Run,
    count: Annotated[int, typer.Option(help="How many texts.", min=1)] = 8,
    checkpoint: Checkpoint = None,
    length: Length = None,
    temperature: Annotated[float, typer.Option(help="1 for what is to be labelled.")] = 1.0,
    seed: Seed = 0,
    pool: Annotated[str | None, typer.Option(help="Keep them as a new pool of this name, to be labelled.")] = None,
    snippets: Annotated[float, typer.Option(help="Share of the pool that is cut from the corpus instead.")] = 0.0,
    device: Device = "cpu",
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Sample texts from a model, and keep them as a pool to be labelled."""
    from rlhf_lab import sampling
    from rlhf_lab.labels import beside, create_pool

    with opened(workspace) as (store, home):
        chosen, wanted = jobs.open_run(store, home, run), beside(count, snippets)
        texts = sampling.texts(
            chosen, count, checkpoint=checkpoint, length=length, temperature=temperature, seed=seed, device=device
        )
        if pool:
            cut = sampling.snippets(chosen, wanted, length=length, seed=seed) if wanted else []
            create_pool(store, pool, texts, seed=seed, snippets=cut, share=snippets)
            _repeated(store, pool)
    if as_json:
        print_json({"run": run, "pool": pool, "texts": [t.text for t in texts]})
        return
    for number, each in enumerate(texts[:SHOWN], 1):
        out.print(Text(f"text {number}", style="bold"))
        out.print(Text(each.text.strip("\n") + "\n"))
    if pool:
        out.print(Text(f"{len(texts)} texts are in the pool {pool}: rlhf-lab label {pool}"))


def _repeated(store: Store, pool: str) -> None:
    """Say which other pool holds texts of this one, so that two reward models would learn from the same."""
    texts = {item.text for item in store.items(pool)}
    for other in store.collections():
        if other.kind == "pool" and other.name != pool:
            same = sum(item.text in texts for item in store.items(other.name))
            if 2 * same > len(texts):
                told = f"{same} texts of {other.name!r} are among these: for others say --seed"
                err.print(Text(told), soft_wrap=True)


def complete(
    run: Run,
    prefix: Annotated[str, typer.Option(help="The beginning, as you would type it.")],
    length: Length = None,
    temperature: Annotated[float, typer.Option(help="Below 1: more of the likeliest.")] = 1.0,
    seed: Seed = 0,
    device: Device = "cpu",
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Continue a beginning at every checkpoint of a run, with the same random numbers."""
    from rlhf_lab import sampling

    with opened(workspace) as (store, home):
        chosen = jobs.open_run(store, home, run)
        prefix = prefix.rstrip(" ")  # a blank belongs to the token that follows
        found = sampling.continued(chosen, prefix, length=length, temperature=temperature, seed=seed, device=device)
    if as_json:
        print_json({"run": run, "prefix": prefix, "continued": found})
        return
    for each in found:
        nats = f", {each['kl']:.2f} nats" if each["kl"] is not None else ""
        out.print(Text(f"iteration {each['iteration']}{nats}", style="bold"))
        out.print(Text(prefix, style="dim") + Text(each["text"].rstrip("\n") + "\n"))


def label(
    pool: Annotated[str, typer.Argument(help="A pool, made by `rlhf-lab sample RUN --pool NAME`.")],
    rater: Annotated[str | None, typer.Option(help="Who labels; default $USER, or the simulated rater's name.")] = None,
    simulate: Annotated[str | None, typer.Option(help="Let a simulated rater label all: careful, counter, ...")] = None,
    knobs: Annotated[list[str] | None, typer.Option("--set", metavar="KNOB=VALUE", help="Of that rater.")] = None,
    file: Annotated[Path | None, typer.Option("--from", help="Read labels from a CSV or JSONL file.")] = None,
    export: Annotated[Path | None, typer.Option(help="Write the labels to a CSV or JSONL file.")] = None,
    events: Annotated[bool, typer.Option("--events", help="Export every event, undone ones too.")] = False,
    repeats: Annotated[float, typer.Option(help="Share of texts shown twice, for self-agreement.")] = 0.0,
    seed: Seed = 0,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Label a pool here, one key a label; or by a simulated rater, or from a file; or export its labels."""
    if sum(each is not None for each in (simulate, file, export)) > 1:
        raise InputError("say one of --simulate, --from and --export")
    if (knobs and not simulate) or (repeats and (simulate or file or export)):
        raise InputError("--set goes with --simulate, and --repeats with labelling here")
    with opened(workspace) as (store, _):
        if export:
            told = _export(store, pool, rater, export, events)
        else:
            told = _label(store, pool, rater, simulate, knobs or [], file, repeats, seed)
    if as_json:
        print_json(told)
    elif "words" in told:
        out.print(Text(told["words"]))


def _export(store: Store, pool: str, rater: str | None, file: Path, events: bool) -> dict[str, Any]:
    from rlhf_lab.label_files import export_labels

    count = export_labels(store, pool, file, rater=rater, what="events" if events else "current")
    return {"exported": count, "file": str(file), "words": f"wrote {count} rows to {file}"}


def _label(
    store: Store,
    pool: str,
    rater: str | None,
    simulate: str | None,
    knobs: list[str],
    file: Path | None,
    repeats: float,
    seed: int,
) -> dict[str, Any]:
    import getpass

    if simulate:
        import numpy as np

        from rlhf_lab import raters
        from rlhf_lab.labels import label_with

        made = raters.make(simulate, **knob_values(knobs))
        count = label_with(store, pool, made, np.random.default_rng(seed), who=rater)
        return {"labelled": count, "rater": rater or made.name, "words": f"{rater or made.name} labelled {count} texts"}
    who = rater or getpass.getuser()
    if file:
        from rlhf_lab.label_files import import_labels

        read = import_labels(store, pool, file, who)
        return {
            **asdict(read),
            "rater": who,
            "words": f"{file}: {read.new} labels of {who} are new, {read.changed} changed, {read.unchanged} as before",
        }
    from rlhf_lab.labelling import label_here
    from rlhf_lab.labels import self_agreement

    session = label_here(store, pool, who, repeats=repeats)
    told: dict[str, Any] = {"given": session.given, "left": session.left, "rater": who}
    again = self_agreement(store, pool, who)
    if again.n:
        told |= {"self_agreement": asdict(again)}
        told["words"] = f"of {again.n} texts labelled twice {who} gave {again.share:.0%} the same label"
    return told
