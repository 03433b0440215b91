"""A temporary workspace and a server of the real app on a free port."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import CHROMIUM

pytest.importorskip("playwright")
HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PROPOSALS = ("human_labels", "downstream")
COUNTEREXAMPLES = ("human_simulator", "upstream_simulator")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests in this folder are slow, want the cores for themselves, and need the browser."""
    missing = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs chromium")
    for item in items:
        if HERE in item.path.parents:
            for mark in (pytest.mark.browser, pytest.mark.slow, pytest.mark.alone, missing):
                item.add_marker(mark)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app over two proposals, two counterexamples and an empty workspace."""
    home = tmp_path_factory.mktemp("app")
    (home / "proposals" / "counterexamples").mkdir(parents=True)
    shutil.copytree(REPOSITORY / ".streamlit", home / ".streamlit")
    for names, folder in ((PROPOSALS, "."), (COUNTEREXAMPLES, "counterexamples")):
        for name in names:
            shutil.copy(REPOSITORY / "proposals" / folder / f"{name}.py", home / "proposals" / folder)
    (home / "proposals" / "torn.py").write_text("def torn(:\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", str(REPOSITORY / "app.py"), "--server.port", str(port)]
    environment = {**os.environ, "ELK_SANDBOX_HOME": str(home / "workspace")}
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        for _ in range(150):
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                    assert answer.status == 200
                break
            except OSError:
                assert process.poll() is None, (home / "server.log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)
