"""What a child that trains on activations loads before it is confined; see `evidence_role`."""

from elk_sandbox.learned.training import answer
from elk_sandbox.runtime.evidence_role import declare

__all__ = ["answer", "declare"]
