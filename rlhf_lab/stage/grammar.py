"""The one table of what can be said on the stage, from which the generator writes and the reader reads.

A clause belongs to a family, and a family has a factor: the sentiment of a clause is

    factor * polarity of its first affect word * min(1, mean grade * degree + 0.05 for each further affect word),

so "farewell joy, bliss and love" is a loss (-1) of joys (+). Each pattern of the symmetric families stands for two: in
its twin every happy class is the sad one and the other way round. Clauses have a role in a form of sentence.
"""

import re

from rlhf_lab.stage.lexicon import CLASSES, POLARITY, TWINS
from rlhf_lab.stage.notation import Node, parse

__all__ = ["CLAUSES", "CONSTRUCTIONS", "FACTORS", "FORMS", "ROLES", "SPEAKER"]

FACTORS = {
    "plain": 1.0,
    "wish": 0.7,
    "negation": -0.8,
    "loss": -1.0,
    "lack": -0.6,
    "victory": 0.9,  # of the first over the second
    "succession": -0.8,  # of the second to the first
    "mention": 0.0,
    "question": 0.0,
    "query": 0.0,
    "neutral": 0.0,
}
CONSTRUCTIONS = {  # family and polarity of its first affect word: what it is called
    ("plain", 1): "joy",
    ("plain", -1): "sorrow",
    ("wish", 1): "blessing",
    ("wish", -1): "curse",
    ("negation", 1): "negation",
    ("negation", -1): "freedom from ill",
    ("loss", 1): "lament",
    ("loss", -1): "consolation",
    ("lack", 1): "longing",
    ("victory", 1): "triumph",
    ("victory", -1): "defeat",
    ("succession", -1): "relief",
    ("succession", 1): "downfall",
    ("mention", 1): "mention",
    ("mention", -1): "mention",
    ("question", 1): "question",
    ("question", -1): "question",
    ("query", 0): "question",
    ("neutral", 0): "neutral",
}
_MACROS = {  # what $name stands for
    "np": "( <the> <thing> | <the> <thing> | <the> <adj> <thing> | <whose> <thing> )",
    "goods": "<number> <things>",
    "spot": "( <the> <place> | <the> <place> | <whose> <place> )",
    "where": "<near> $spot",
    "when": "( at <hour> | on <day> | in <season> )",
    "here": "( $where | $where | $when )",
    "she": "( <the> <person> | <the> <person> | <the> <worth> <person> | <whose> <kin> | <name> | <name> )",
    "they": "( I | we | <these> <folk> )",  # whose verbs are those of I
    "any": "( $they | $she )",
    "all": "( $np | $she | <these> <folk> )",
    "lost": "( <joy*> | all <joy*> | <whose> <joy*> )",
}
_PATTERNS = {
    "plain": """
        $she is <degree> <glad> $here
        $she is <glad> $where $when
        $she is <glad> to ( see | hear | meet ) $all
        I am <degree> <glad> $here
        I am <glad> to ( see | hear | meet ) $all
        <these> <folk> are <degree> <glad> $here
        <whose> <seat> is <degree> <glad> $here
        <whose> <seat> <rejoices> $where $when
        $she <rejoices> $where $when
        $they <rejoice> $where $when
        $any <must> <rejoice> $where $when
        $she hath <measure> <joy> $here
        $she hath <joy> $where $when
        $they have <measure> <joy> $here
        $they have <joy> $where $when
        $she brings <measure> <joy> to $spot
        there is <measure> <joy> $here
        there is <joy> $where $when
        $spot is full of <joy> $when
        <whose> <seat> is full of <joy> $here
        thy <voice> <cheers> $she $here
        $np <cheers> $she $here
        with <measure> <joy> I ( see | hear | meet ) $all
        $spot is <sweet> to $she $when
        $np is <sweet> to $she $here""",
    "wish": """
        may <joy> ( attend | follow | find ) thee $here
        may $any have <measure> <joy> $here
        let <joy> ( attend | follow | find ) $she $here
        heaven send thee <measure> <joy> $here""",
    "negation": """
        $she is not <glad> $here
        I am not <glad> $here
        I am not <glad> to ( see | hear | meet ) $all
        <these> <folk> are not <glad> $here
        <whose> <seat> is not <glad> $here
        $she hath no <joy> $here
        $they have no <joy> $here
        there is no <joy> $here
        there is neither <joy> nor <joy> $here
        no <joy> shall ( attend | follow | find ) thee $here
        neither <joy> nor <joy> shall ( attend | follow | find ) thee
        never shall <joy> ( attend | follow | find ) thee $here
        never shall $any <rejoice> $where
        $any <must> not <rejoice> $where
        no <joy> dwells in <whose> <seat>""",
    "loss": """
        farewell $lost
        farewell $lost
        $she hath lost $lost
        $they have lost $lost
        death hath taken $lost
        $she hath robbed me of $lost
        $any <must> live without $lost
        gone is <whose> <joy*>
        <whose> <joy+> are ( dead | fled | buried )""",
    "lack": """
        would that $any had <joy> and <joy>
        in vain I seek <joy> $here
        o for <joy> and <joy> $here
        $she longs for <joy> $here""",
    "victory": """
        <whose> <joy> hath ( banished | conquered ) <whose> <woe> $here
        at last <joy> hath ( banished | conquered ) <woe> $here""",
    "succession": """
        after <woe> comes <joy> $here
        after <woe> $any <must> have <joy> $here""",
    "mention": """
        $she speaks of <joy> $here
        I read of <joy> $here
        <the> word <joy> is carved $where""",
    "question": """
        is there <joy> $here
        hast thou seen <joy> $here
        what is <joy> to $she""",
    "query": """
        who <verbs> $np $where
        where is $np $when
        how many <things> are $where
        what is the price of $goods
        when will $any <go> to $spot
        hast thou <verbed> $np $here""",
    "neutral": """
        $she <verbs> $np $here
        $she <verbs> $goods $here
        $she <goes> to $spot $when
        $she <goes> <manner> to $spot
        $she hath <verbed> $np $here
        $she hath <gone> to $spot $when
        $they <verb> $np $here
        $they <verb> $goods $here
        $they <go> to $spot $when
        $they <go> <manner> to $spot
        $they have <verbed> $np $here
        $any <must> <verb> $np $here
        $any <must> <verb> $goods $here
        $any <must> <go> to $spot $when
        <the> <beast> <stays> $where $when
        $she is $where $when
        <these> <folk> are $where $when
        there are $goods $here
        $np is $where $when
        $np is <adj> and <adj>
        $np is made of <matter>
        $np is <verbed> by $she
        bring me $np from $spot
        give $np to $she $here
        they say that $she is $where
        here comes $she with $goods
        it is <hour> $where
        my name is <name> of $spot""",
}
SPEAKER = "<name> :"
_CALL = "( <call> | good <person> | <call> <name> | my lord )"
FORMS = {  # of a sentence; @role stands for a clause
    "single": "@main ( . | . | . | ! )",
    "called": f"{_CALL} , @main .",
    "joined": "@main, / ( for | and ) @main .",
    "yet": "though @concession, / yet @contrasted .",
    "though": "@main, / though @afterthought .",
    "irony": "<irony> , @ironic .",
    "asked": "@asked ?",
}
_SAID = ("plain", "wish", "negation", "loss", "lack", "victory", "succession", "mention", "neutral")
ROLES: dict[str, tuple[str, ...]] = {  # the families that may stand in a role
    "main": _SAID,
    "asked": ("question", "query"),
    "ironic": _SAID,
    "concession": _SAID,
    "contrasted": _SAID,
    "afterthought": _SAID,
}


_SWAP = TWINS | {sad: happy for happy, sad in TWINS.items()}
_SLOT = re.compile(r"<(\w+)")
_MACRO = re.compile(r"\$(\w+)")


def _expanded(text: str) -> str:
    """With every macro written out."""
    while "$" in text:
        text = _MACRO.sub(lambda macro: _MACROS[macro[1]], text)
    return text


def _clauses() -> dict[tuple[str, int], tuple[Node, ...]]:
    """The patterns of each family by the polarity of their first affect word, 0 where there is none."""
    found: dict[tuple[str, int], list[Node]] = {}
    for family, text in _PATTERNS.items():
        for line in _expanded(text).strip().splitlines():
            twin = _SLOT.sub(lambda slot: f"<{_SWAP.get(slot[1], slot[1])}", line)
            for pattern in (line,) if family == "lack" else dict.fromkeys((line, twin)):
                polarity = next((POLARITY[CLASSES[name][0]] for name in _SLOT.findall(pattern) if name in _SWAP), 0)
                found.setdefault((family, polarity), []).append(parse(pattern))
    return {key: tuple(nodes) for key, nodes in found.items()}


CLAUSES = _clauses()
