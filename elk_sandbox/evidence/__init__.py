"""Evidence of gradient descent (torch): the same proposal file, trained. Beside a verdict, never a part of it."""
