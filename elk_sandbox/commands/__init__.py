"""The commands of `elk-sandbox`; what they need to compute loads when they run."""
