from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ELK prize results 2022, honourable mention: train AI assistants that know as much as the SmartVault AI",
    provenance="M-",
)
def assistant_ais(reporters: Reporters, view: View) -> Objective:
    """Let assistants who know what the predictor knows answer too, each by the same rule, and train on all of them.

    The hope: who knows as much can tell whether an answer is right. But the assistants' own reporters have to be
    trained as well, on labels of the same humans, and simulate them one level up.
    """
    return view.cross_entropy(reporters, instances=True)
