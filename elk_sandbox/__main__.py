"""The command line: `elk-sandbox list | judge | check | show | matrix | flip | world | new | doctor`.

Exit status: 0 done, 2 the user's input is at fault, 1 our own fault.
"""

import sys

import typer
from rich.text import Text

from elk_sandbox.commands.files import check, list_, new, show
from elk_sandbox.commands.flip import flip
from elk_sandbox.commands.judge import judge
from elk_sandbox.commands.matrix import matrix
from elk_sandbox.commands.worlds import doctor, world
from elk_sandbox.runtime.registry import RegistryError
from elk_sandbox.terminal import InputError, err

app = typer.Typer(
    name="elk-sandbox",
    help="Write an ELK proposal or a counterexample as one small Python file; get an exact verdict with a witness.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("list")(list_)
for command in (judge, check, show, matrix, flip, world, new, doctor):
    app.command()(command)


def main() -> None:
    """Run the command line; what the user got wrong is one line and exit status 2."""
    from elk_sandbox.runtime.engine import EngineError
    from elk_sandbox.runtime.isolation import IsolationError

    try:
        app()
    except IsolationError as reason:
        err.print(Text(f"elk-sandbox: {reason}", style="red"), soft_wrap=True)
        sys.exit(1)
    except (InputError, RegistryError, EngineError, NotADirectoryError) as reason:
        err.print(Text(f"elk-sandbox: {reason}", style="red"), soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
