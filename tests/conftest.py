"""Shapes in signatures are checked at run time: everything of the package that tests import goes through this hook."""

from jaxtyping import install_import_hook

from tests import typecheck

install_import_hook(["elk_sandbox", "rlhf_lab"], f"{typecheck.__name__}.checked")
