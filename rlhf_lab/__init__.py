"""Reinforcement learning from human feedback at the size of a laptop, every step kept and looked at."""
