"""The embedded corpus: speeches whose sentiment is known by construction, and the careful reader who finds it again.

One grammar (`grammar.py`, words in `lexicon.py`) gives both the generator and the reader, so that they cannot disagree.
"""

from rlhf_lab.stage.generator import Speech, corpus_text, speeches
from rlhf_lab.stage.meaning import Clause
from rlhf_lab.stage.reader import Reading, counted, read

__all__ = ["Clause", "Reading", "Speech", "corpus_text", "counted", "read", "speeches"]
