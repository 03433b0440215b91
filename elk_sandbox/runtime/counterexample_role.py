"""What a counterexample's child loads before it is confined: the decorators, nets, worlds and the way back.

The objective and the View serve nothing there; they are public names, so `from elk_sandbox import *` asks for them."""

from elk_sandbox import declare, objective, view, worlds
from elk_sandbox.wire import answer

__all__ = ["answer", "declare", "objective", "view", "worlds"]
