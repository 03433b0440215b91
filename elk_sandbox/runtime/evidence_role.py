"""What a child that trains loads before it is confined: the decorators, torch, and a View with gradients; no truth.

Torch takes two seconds to load and 600 MiB of address space, so only this role has it, in an interpreter of its own.
"""

import torch

from elk_sandbox import declare
from elk_sandbox.evidence.training import answer

__all__ = ["answer", "declare"]

# Loads what an optimiser and a first sum read: modules, and from a file that is closed later what processor this is.
torch.optim.Adam([torch.zeros(1) + 1])
