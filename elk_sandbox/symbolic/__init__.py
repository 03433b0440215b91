"""Closed forms of what reporters cost, and where a verdict flips: sympy beside the exact judge."""
