"""What a counterexample's child loads before it is confined: the decorators, nets, worlds and the way back."""

from elk_sandbox import declare, worlds
from elk_sandbox.wire import answer

__all__ = ["answer", "declare", "worlds"]
