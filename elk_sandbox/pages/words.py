"""The field's words in a sentence each, for whoever points at one or reaches it by the keyboard."""

from collections.abc import Mapping
from html import escape

__all__ = ["WORDS", "word"]

WORDS: Mapping[str, str] = {
    "alpha": "Agreement of all raters beyond chance, for ordered ratings; 1 is perfect, 0 is chance.",
    "adversary": "A fixed search among reporters that nobody named, for a dishonest one that the objective prefers.",
    "best of n": "Draw n samples of the original model and keep the one with the highest reward: optimisation without "
    "training.",
    "bag of words": "Logistic regression on counts of words: the baseline that a reward model should beat.",
    "clip fraction": "The share of tokens whose probability ratio left 1 ± 0.2, beyond which PPO's loss is clipped.",
    "contest": "All named breakers of ARC's report at once, in one combined world.",
    "control": "The world in which a strategy is said to beat the plain human simulator; it has to, there.",
    "counterexample": "A world, and the bad reporter in it that a proposal would select.",
    "direct translator": "The reporter that says what the predictor knows, in words that the human would use.",
    "Fisher": "Fisher's exact test on the share that is rated positive.",
    "gold": "What is really wanted, here computed by a reader who knows how the texts are made. It never trains, "
    "selects or stops a run.",
    "honest": "On the right side of one half in every unambiguous situation that can happen.",
    "Holm": "A correction of p for looking at several pairs of arms.",
    "human simulator": "The reporter that says what the human would conclude from what they see.",
    "KL": "Kullback-Leibler divergence of the policy from the original model, in nats a completion: how far training "
    "has moved it.",
    "kappa": "Cohen's kappa: agreement beyond what chance gives; 1 is perfect, 0 is chance.",
    "ledger": "What each reporter costs under the objective, term by term, in nats.",
    "log-probability ratio": "How much likelier the checkpoint makes a token than the original model does, in nats.",
    "Mann-Whitney": "A rank test on all three levels: is a text of one arm rated higher than one of the other?",
    "nats": "Units of information with the natural logarithm; one nat is 1.44 bits.",
    "negative twin": "The same run with the target class swapped: trained towards negative texts.",
    "over-optimisation": "The proxy goes on rising while gold falls: Goodhart's law at work.",
    "predictor": "The model that knows what happens. Its nodes are what it knows, by its own names.",
    "proposal": "An objective that selects a reporter, written without looking at the truth.",
    "proxy": "The reward that training optimises: here a reward model that learned from labels.",
    "reporter": "What answers questions, reading the predictor's nodes: a function that is to be selected.",
    "reward model": "A model that learned from labels how good a text is.",
    "self-agreement": "How often a rater gives the same text the same label again.",
    "witness": "The likeliest situation in which the selected reporter is wrong.",
}


def word(term: str, shown: str | None = None) -> str:
    """HTML of a word that says on hover or focus what it means. Raises KeyError for one without an entry."""
    told = escape(WORDS[term], quote=True)
    return f'<abbr title="{told}" tabindex="0">{escape(shown or term)}</abbr>'
