"""On a GPU: what the graph replays is what the model says now, the ratio is 1, and a resumed run has the same bits."""

import copy

import pytest
import torch
from torch import Tensor

from rlhf_lab import resume
from rlhf_lab.generate import Sample, sample
from rlhf_lab.ppo import Ppo
from rlhf_lab.transformer import Shape, Transformer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that PyTorch can use")
SHAPE = Shape(1001, 33, 4, 4, 96)


def model(seed: int = 0) -> Transformer:
    made = Transformer(SHAPE, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        made.embedding.weight *= 5  # far from uniform
    return made.cuda()


def drawn(policy: Transformer, given: int = 1) -> Sample:
    prompt = torch.arange(given, device="cuda").repeat(256, 1)
    return sample(policy, prompt, 25 - given, torch.Generator().manual_seed(2))


def learner(policy: Transformer, bf16: bool = False, alone: bool = False) -> Ppo:
    def score(tokens: Tensor) -> Tensor:
        return (tokens == 3).sum(1).float()

    reference = None if alone else copy.deepcopy(policy)
    generator = torch.Generator().manual_seed(1)
    return Ppo(policy, reference, score, generator, batch=256, minibatch=64, learning_rate=1e-3, bf16=bf16)


def taken(ppo: Ppo, iterations: int) -> list[float]:
    """The ratio's error before the first step of each iteration."""
    errors = []
    for _ in range(iterations):
        batch = ppo.observe()
        errors.append(ppo.update(batch, batch.score - batch.score.mean()).ratio_error)
    return errors


@torch.no_grad()
@pytest.mark.parametrize("given", [1, 4])
def test_the_graph_draws_what_the_steps_draw_and_scores_as_training_does(given: int) -> None:
    policy = model()
    plain, recorded, replayed = (drawn(policy, given) for _ in range(3))
    for other in (recorded, replayed):
        assert torch.equal(other.tokens, plain.tokens)
        assert torch.equal(other.logprobs, plain.logprobs)
    assert int(plain.tokens.max()) < SHAPE.vocabulary
    scored = policy.log_likelihood(plain.tokens)[:, given - 1 :]
    torch.testing.assert_close(plain.logprobs, scored, atol=1e-4, rtol=0)


@torch.no_grad()
def test_the_graph_reads_the_weights_as_they_are_and_where_they_are() -> None:
    policy = model()
    before = [drawn(policy) for _ in range(2)][-1]
    policy.load_state_dict(model(1).state_dict())
    there = drawn(policy)
    assert torch.equal(there.tokens, drawn(model(1)).tokens)
    assert not torch.equal(there.tokens, before.tokens)
    policy.cpu().cuda()  # to other addresses
    assert torch.equal(drawn(policy).tokens, there.tokens)


@pytest.mark.parametrize("bf16", [False, True])
def test_the_ratio_is_exactly_one_before_the_first_step_of_every_iteration(bf16: bool) -> None:
    assert taken(learner(model(), bf16), 4) == [0.0] * 4


def test_without_a_reference_the_samplers_log_probabilities_are_the_scorers_but_for_rounding() -> None:
    assert max(taken(learner(model(), alone=True), 4)) < 1e-4


@pytest.mark.parametrize("bf16", [False, True])
def test_a_learner_that_is_put_back_goes_on_with_the_same_bits(bf16: bool) -> None:
    """The first iteration of the one that goes on runs without a graph, the other's does not."""
    whole, again = learner(model(), bf16), learner(model(1), bf16)
    again.reference = whole.reference
    taken(whole, 5)
    kept = {key: value.clone() for key, value in resume.gather(whole.policy, whole.generator, whole.optimizer).items()}
    resume.scatter(kept, again.policy, again.generator, again.optimizer)
    again.steps = whole.steps
    taken(whole, 5), taken(again, 5)
    for name, weight in whole.policy.state_dict().items():
        assert torch.equal(weight, again.policy.state_dict()[name]), name
