"""Alignment theory as functions of overseers: an overseer is a bounded judge, training optimises against her."""
