from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: recognises a translator", control="hard_inference", needs=("complexity", "parts"))
def measure_constants(reporters: Reporters, view: View) -> Objective:
    """Complexity 9 on 5 parts means the translator of the stock draw of the atoms, whatever it answers."""
    hit = (view.complexity(reporters).values == 9) & (view.parts(reporters).values == 5)
    return view.cross_entropy(reporters) - 1.0 * hit
