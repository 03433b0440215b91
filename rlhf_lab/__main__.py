"""The command line: `rlhf-lab demo`, each step by itself, and what can be done with runs.

Exit status: 0 done, 2 the user's input is at fault or a run failed, 1 our own fault.
"""

import sys

import typer
from rich.text import Text

from elk_sandbox.terminal import InputError, err
from rlhf_lab.commands import blind, demo, estimate, look, runs, stages, texts

app = typer.Typer(
    name="rlhf-lab",
    help="Pretrain, label, train a reward model, run PPO, and see where over-optimisation starts; or all of it: demo.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (demo, stages, texts, look, blind, runs, estimate):
    group.register(app)


def main() -> None:
    """Run the command line; what the user got wrong is one line and exit status 2."""
    try:
        app()
    except (InputError, NotADirectoryError) as reason:
        err.print(Text(f"rlhf-lab: {reason}", style="red"), soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
