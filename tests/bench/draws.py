"""Do the verdicts that the literature decides hold on many draws, and whatever the weights of the penalties?

Run by `make evidence`: python -m tests.bench.draws [DRAWS]. Prints a table in Markdown; minutes.
"""

import sys
import tempfile
from pathlib import Path

from elk_sandbox import literature
from elk_sandbox.cells import row
from elk_sandbox.keys import source
from elk_sandbox.runtime.registry import SHIPPED, Registry

SCALES = (0.1, 1.0, 10.0)  # of every weight: 0.01 to 1 nats a node, 0.1 to 10 nats for the others


def main(draws: int) -> None:
    registry = Registry.scan(SHIPPED, packages=False)
    print("| proposal | counterexample | literature | verdict and fresh draws that agree, weights x 0.1, x 1, x 10 |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for proposal in registry.proposals.values():
            columns = [c for c in registry.counterexamples.values() if literature.mark(proposal.name, c.name)]
            files = [source(c, c.settings()) for c in columns]
            found: dict[str, list[str]] = {c.name: [] for c in columns}
            for scale in SCALES:
                knobs = {
                    name: value * scale if isinstance(value, float) and name != "share" else value  # no weight
                    for name, value in proposal.settings().items()
                }
                payload = {"proposal": source(proposal, knobs), "counterexamples": files}
                for cell in row({**payload, "fresh": draws, "workspace": str(Path(folder))})["cells"]:
                    agree = f"{cell['draws']['agreeing']}/{cell['draws']['of']}"
                    word = cell["relation"] or cell["verdict"]
                    mark = literature.mark(proposal.name, cell["counterexample"])  # the cell has it at stock weights
                    agreed = "" if literature.agrees(mark, cell) else ", DISAGREES"
                    found[cell["counterexample"]].append(f"{word} {agree}{agreed}")
            for name, told in found.items():
                print(f"| `{proposal.name}` | `{name}` | {literature.mark(proposal.name, name)} | {'; '.join(told)} |")
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
