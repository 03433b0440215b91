"""What the literature says of each strategy against each counterexample.

K  killed, as stated or clearly implied by the source          k  also killed, by this project's derivation
D  the strategy was introduced to defeat this one, and does    o  killed only under a contested assumption
.  not the relevant test

Sources: ARC's ELK report (2021), the ELK prize results (2022), and, for k and most of the later columns, derivation.
"""

from collections.abc import Mapping
from typing import Any, Literal

__all__ = ["COUNTEREXAMPLES", "STRATEGIES", "Mark", "agrees", "mark", "place"]

Mark = Literal["K", "k", "D", "o"]

_COLUMNS = """
human_simulator better_human_inference beyond_science ontology_mismatch complex_translation cheap_simulation
upstream_simulator fingerprint coherent_world agreement_on_simulator memorised_predictor simple_steganography
free_bit_steganography smooth_simulator compact_appearance contrived_compression capability_jump shadow_interventions
sensitive_not_honest unseen_simulator
"""

_TABLE = """
human_labels               K k k k . . . . . . . . . . . . . . . .
operator_data              D K k k . . . . . . . . . . . . . . . .
assisted_labels            D D K k . . . . . . . . . . . . . . . .
imitative_generalization   D D D K . . . . . . . . . . . . . . . .
complexity                 D . . k K . . . . . . . . . . . . . . .
computation_time           D . . k . o . . . . . . . . . . . . . .
downstream                 D . . k . . K . . . . . . . . . . . . .
specificity                D . . k k . . K . . . . . . . . . . . .
stacked_penalties          D . . k k o k k . . . . . . . . . . . .
consistency                D . . k . . . . K . . . . . . . . . . .
cross_predictor_agreement  k . . k . . . . k K . . . . . . . . . .
compress_predictor         D . . k k . . k k . K . . . . . . . . .
auxiliary_ai               D . . . . . . . . . . K k . . . . . . .
auxiliary_ai_hardened      D . . . . . . . . . . D K . . . . . . .
continuity                 D . . k . . . . . . . . . K . . . . . .
few_parts                  D . . k . . . . . . . . . . K . . . . .
compress_state             D . . k . . . . . . . . k . . K . . . .
reporter_sequence          D . . k k . . . . . . . . . . . K . . .
causal_interventions       D . . k . . . . . . . . . . . . . K . .
sensitivity                D . . . . . . . . . . k k . . . . . K .
reporters_agree            k . . . . . . . . K . . . . . . . . . .
assistant_ais              K . k k . . . . . . . . . . . . . . . .
adversarial_simulators     D k k k . . . . . . . . . . . . . . k K
"""

_ROWS = {line.split()[0]: line.split()[1:] for line in _TABLE.strip().splitlines()}
STRATEGIES = tuple(_ROWS)
COUNTEREXAMPLES = tuple(_COLUMNS.split())


def place(name: str) -> tuple[int, str]:
    """Where a strategy or counterexample stands in the literature's order, the others after it by name."""
    for names in (STRATEGIES, COUNTEREXAMPLES):
        if name in names:
            return names.index(name), name
    return len(STRATEGIES), name


def mark(strategy: str, counterexample: str) -> Mark | None:
    """The literature's word on a cell; None where it has none, and for names that are not from the literature."""
    if strategy not in _ROWS or counterexample not in COUNTEREXAMPLES:
        return None
    found = _ROWS[strategy][COUNTEREXAMPLES.index(counterexample)]
    return None if found == "." else found  # type: ignore[return-value]  # the table holds marks and dots


def agrees(literature: Mark | None, cell: Mapping[str, Any]) -> bool | None:
    """Does a computed cell agree? K and k: killed in its own world. o: killed with the contested assumption, and not
    without it. D: against the plain simulator of the viewer its control is valid and survives; against another bad
    reporter it survives in that one's own world, where the baseline is killed. None where the literature says nothing.
    """
    if literature is None:
        return None
    if literature == "D":
        if cell["counterexample"] != COUNTEREXAMPLES[0]:
            return bool(cell["baseline"] == "killed" and cell["verdict"] == "survives")
        control = cell["control"]
        return bool(control and control["valid"] and control["verdict"] == "survives")
    killed = cell["verdict"] == "killed"
    if literature == "o":
        without = cell["contested"]
        return bool(killed and without and without["verdict"] == "survives")
    return bool(killed)
