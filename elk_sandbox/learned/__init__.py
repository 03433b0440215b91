"""Worlds whose predictor is a trained network: its activations, what humans say, what is true (torch)."""
