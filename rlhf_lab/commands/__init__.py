"""The commands of `rlhf-lab`, one file a group. Nothing heavy is imported before a command that needs it runs."""
