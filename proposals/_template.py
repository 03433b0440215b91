from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="your name, and what it builds on", control="hard_inference", needs=("complexity",))
def my_proposal(reporters: Reporters, view: View, *, weight: float = 0.1) -> Objective:
    """Say in a sentence what the objective rewards.

    Then argue: why the direct translator should be cheaper than every simulator of a human, what about the predictor
    must be so for that, and which control world shows the hope come true. This one is the penalty on complexity.

    The objective is in nats, one value for each candidate, smaller is better. `view` offers cross_entropy (on the data
    of viewer, operator, assisted or hstar) and the terms that proposals/README.md lists; `reporters.answers` and the
    arrays of `view` let you write your own. Say which of complexity, reads, parts, influence and change you use in
    `needs`.
    """
    return view.cross_entropy(reporters) + weight * view.complexity(reporters)
