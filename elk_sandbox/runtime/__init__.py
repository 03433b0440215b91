"""What runs other people's files: the registry that reads them, the child processes that run them, the engine."""
