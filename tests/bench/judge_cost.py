"""What a verdict costs: W-SCREEN with noise bits, 2**14 to 2**20 situations, and one file judged by the command line.

Run by `make bench`: python -m tests.bench.judge_cost
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FILE = '''from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="bench", control="hard_inference", needs=("complexity", "parts"))
def unknown_to_the_tests(reporters: Reporters, view: View) -> Objective:
    """Length and parts."""
    return view.cross_entropy(reporters) + 0.1 * view.complexity(reporters) + 0.1 * view.parts(reporters)
'''


def size(noise: int) -> None:
    """Judge loss and downstream in this process, and print seconds of processor time and peak memory."""
    from elk_sandbox import worlds
    from elk_sandbox.judge import Strategy, judge
    from elk_sandbox.seats import Seat
    from elk_sandbox.view import answer
    from elk_sandbox.world import Case

    class Here:
        def call(self, meta: Any, arrays: Any, wall: float | None = None) -> Any:
            return answer(
                lambda reporters, view: view.cross_entropy(reporters) + view.downstream(reporters), meta, arrays
            )

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    world = worlds.screen(noise=noise)
    verdict = judge(Strategy(Here(), {}), [Seat(Case(world, bad={"human_simulator": world.simulators["viewer"]}))])
    seconds, n = time.process_time() - start, len(world.weights)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert verdict.verdict == "survives" and verdict.adversary is not None
    print(
        f"{n:>10,} {seconds:>9.2f} {1e6 * seconds / n:>14.1f} {peak / 1024:>10.0f} {(peak - before) * 1024 / n:>12.0f} "
        f"{verdict.adversary.searched:>10}"
    )


def command_line(runs: int = 5) -> None:
    """Wall seconds of `elk-sandbox judge FILE complex_translation` with 4 fresh draws, in an empty workspace."""
    seconds = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "unknown_to_the_tests.py")
            path.write_text(FILE)
            command = [sys.executable, "-m", "elk_sandbox", "judge", str(path), "complex_translation"]
            start = time.perf_counter()
            subprocess.run([*command, "--workspace", folder], check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    print(f"judge FILE complex_translation, isolation included: median {middle:.2f} s (min {low:.2f}, max {high:.2f})")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        size(int(sys.argv[1]))
    else:
        command_line()
        print("\nW-SCREEN with noise bits, one draw, the adversary included")
        print("situations   CPU s   us/situation   peak MB  B/situation   searched")
        for bits in (12, 14, 16, 18):
            subprocess.run([sys.executable, "-m", "tests.bench.judge_cost", str(bits)], check=True)
