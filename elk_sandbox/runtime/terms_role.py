"""What a proposal's child loads when its terms are read off: the decorators and prices in place of a View."""

from elk_sandbox import declare
from elk_sandbox.affine import answer

__all__ = ["answer", "declare"]
