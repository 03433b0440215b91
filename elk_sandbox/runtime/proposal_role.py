"""What a proposal's child loads before it is confined: the decorators and the View, nothing that knows a truth."""

from elk_sandbox import declare
from elk_sandbox.view import answer

__all__ = ["answer", "declare"]
