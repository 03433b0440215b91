"""The three stages that are runs, by kind: their settings, and where the function is that does the work."""

from importlib import import_module
from typing import Any

from elk_sandbox.runtime.run import Run
from elk_sandbox.terminal import InputError
from rlhf_lab.presets import PretrainConfig
from rlhf_lab.reward_settings import RewardConfig
from rlhf_lab.settings import PpoConfig, settings_of

__all__ = ["CONFIGS", "work"]

CONFIGS: dict[str, type[Any]] = {"pretrain": PretrainConfig, "reward": RewardConfig, "ppo": PpoConfig}
FUNCTIONS = {
    "pretrain": ("rlhf_lab.pretrain", "pretrain"),
    "reward": ("rlhf_lab.reward_run", "reward"),
    "ppo": ("rlhf_lab.ppo_run", "ppo"),
}


def work(run: Run) -> None:
    """Do, or go on with, the work of a run of any kind. Raises InputError for a kind or a setting that there is not."""
    if run.kind not in CONFIGS:
        raise InputError(f"{run.name!r} is a {run.kind} run, which this version cannot work at")
    module, function = FUNCTIONS[run.kind]
    getattr(import_module(module), function)(settings_of(CONFIGS[run.kind], run.config), run)
