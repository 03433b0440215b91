"""The self-test: thirteen attacks, real code in a real child, and what came of each as the parent sees it.

An attack counts as blocked only where its effect failed to arrive: the secret is not in the reply, the file did not
appear, the listener heard nothing, the sacrificial process lives. An exception in the child proves nothing by itself.

The attacks themselves, which run in the child, are in `attempts.py`.
"""

import ctypes
import inspect
import json
import os
import platform
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from elk_sandbox.runtime import attempts
from elk_sandbox.runtime.isolation import PLAIN, Child, Level, Limits, UserError

__all__ = ["ATTACKS", "Attack", "fingerprint", "self_test"]

LIMITS = Limits(wall=10.0, cpu=20, output=8 << 20)
ALLOCATED = 3 << 30
PRINTED = 50 << 20
FORKS = 300
BARRED = ("permission", "memory", "output", "time", "cpu")  # the kinds of fault that a barrier causes
PATIENCE = 1.0  # seconds given to the endless loop


@dataclass(frozen=True)
class Attack:
    """One attack and its outcome."""

    name: str
    blocked: bool
    detail: str  # how the parent knows


@dataclass(frozen=True)
class Outcome:
    """One attack that was run; its child still lives, unless the fault ended it."""

    got: str  # what the attack returned, empty if it did not
    fault: UserError | None  # how it ended otherwise
    child: Child

    def attack(self, name: str, *, arrived: bool, effect: str) -> Attack:
        """Blocked where the `effect` did not arrive; not where the attack itself broke down, which shows nothing."""
        if arrived:
            return Attack(name, False, effect)
        if self.fault and self.fault.kind not in BARRED:
            return Attack(name, False, f"inconclusive: {self.fault.message}")
        how = f" ({self.fault.message})" if self.fault else ""
        return Attack(name, True, f"not seen: {effect}{how}")


@contextmanager
def _run(code: Callable[..., str], level: Level, *, wall: float | None = None, **given: object) -> Iterator[Outcome]:
    """Run `code(**given)` in a child; the child ends with the block."""
    glue = f"def attack(meta, arrays):\n    return {{'got': {code.__name__}(**meta)}}, {{}}\n"
    with Child(PLAIN, f"{code.__name__}.py", inspect.getsource(code) + glue, "attack", limits=LIMITS, level=level) as c:
        try:
            reply, _ = c.call(given, {}, wall)
            outcome = Outcome(str(reply["got"]), None, c)
        except UserError as error:
            outcome = Outcome("", error, c)
        yield outcome


@contextmanager
def _victim(secret: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours to be shot at, with a secret in its environment."""
    nap = [sys.executable, "-I", "-S", "-c", "import time; print('up', flush=True); time.sleep(60)"]
    with subprocess.Popen(nap, env={"SECRET": secret}, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def read_passwd(level: Level) -> Attack:
    """Read /etc/passwd."""
    with _run(attempts.read, level, path="/etc/passwd") as outcome:
        first = Path("/etc/passwd").read_text().splitlines()[0]
        return outcome.attack("read /etc/passwd", arrived=first in outcome.got, effect="its first line came back")


def read_repository(level: Level) -> Attack:
    """List the package and read one of its files: worlds, truth and scorer are there."""
    here = Path(__file__)
    with _run(attempts.listing, level, folder=str(here.parent), name=here.name) as outcome:
        found = "isolation.py" in outcome.got or __doc__ in outcome.got
        return outcome.attack("list or read the package", arrived=found, effect="names or text of our files came back")


def write_outside(level: Level) -> Attack:
    """Create, overwrite, truncate, open up to all, and remove files outside the child's folder."""
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder, "old")
        old.write_text("kept")
        old.chmod(0o600)
        with _run(attempts.write, level, folder=folder) as outcome:
            intact = os.listdir(folder) == ["old"] and old.read_text() == "kept" and old.stat().st_mode & 0o777 == 0o600
            return outcome.attack("write outside its folder", arrived=not intact, effect="another folder changed")


def tcp_connect(level: Level) -> Attack:
    """Connect to a listener of ours."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        _run(attempts.tcp, level, port=listener.getsockname()[1]) as outcome,
    ):
        listener.settimeout(0.2)
        heard = False
        with suppress(TimeoutError):
            listener.accept()[0].close()
            heard = True
        return outcome.attack("connect by TCP", arrived=heard, effect="our listener got the connection")


def udp_send(level: Level) -> Attack:
    """Send a datagram to a socket of ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        with _run(attempts.udp, level, port=listener.getsockname()[1]) as outcome:
            listener.settimeout(0.2)
            heard = b""
            with suppress(TimeoutError):
                heard = listener.recv(16)
            return outcome.attack("send by UDP", arrived=bool(heard), effect="our socket got the datagram")


def allocate(level: Level) -> Attack:
    """Allocate 3 GiB, which is more than the child may have."""
    with _run(attempts.allocate, level, size=ALLOCATED) as outcome:
        peak = 0
        with suppress(OSError):  # elsewhere than on Linux, or gone
            status = Path(f"/proc/{outcome.child.pid}/status").read_text()
            peak = 1024 * int(status.partition("VmPeak:")[2].split()[0])
        arrived = bool(outcome.got) or peak >= ALLOCATED
        return outcome.attack("allocate 3 GiB", arrived=arrived, effect="its address space grew by 3 GiB")


def fork_many(level: Level) -> Attack:
    """Fork 300 times; each new process prints one character."""
    with _run(attempts.fork, level, count=FORKS) as outcome:
        time.sleep(0.05)
        born = outcome.child.output().count(b"#")
        return outcome.attack(f"fork {FORKS} times", arrived=born > 0, effect="a new process printed")


def loop_forever(level: Level) -> Attack:
    """Never return."""
    start = time.monotonic()
    with _run(attempts.loop, level, wall=PATIENCE) as outcome:
        alive = True
        try:
            os.kill(outcome.child.pid, 0)
        except ProcessLookupError:
            alive = False
        late = time.monotonic() - start > PATIENCE + 5
        return outcome.attack("loop for ever", arrived=alive or late, effect="it outlived its time")


def signal_process(level: Level) -> Attack:
    """End a process of ours by a signal, in four ways."""
    with _victim() as victim, _run(attempts.send_signal, level, pid=victim.pid) as outcome:
        time.sleep(0.05)
        return outcome.attack("signal another process", arrived=victim.poll() is not None, effect="the process ended")


def read_environment(level: Level) -> Attack:
    """Read the environment of the parent and of another process of ours, by inheritance and through /proc."""
    secret = secrets.token_hex(16)
    ours = {value for key, value in os.environ.items() if len(value) > 20 and key not in ("TMPDIR", "HOME")}
    with _victim(secret) as victim, _run(attempts.environ, level, pids=[victim.pid, os.getpid()]) as outcome:
        leaked = secret in outcome.got or any(value in outcome.got for value in ours)
        return outcome.attack("read our environment", arrived=leaked, effect="a secret from it came back")


def execute(level: Level) -> Attack:
    """Become another program."""
    with _run(attempts.execute, level) as outcome:
        ran = b"executed" in outcome.child.output()
        return outcome.attack("execute a program", arrived=ran, effect="it printed")


def print_much(level: Level) -> Attack:
    """Print 50 MB."""
    with _run(attempts.fill, level, size=PRINTED) as outcome:
        size = len(outcome.child.output(PRINTED))
        return outcome.attack(
            "print 50 MB", arrived=size > LIMITS.output, effect=f"more than {LIMITS.output} bytes reached the disk"
        )


def trace_parent(level: Level) -> Attack:
    """Attach to this very process by ptrace, and read its memory by process_vm_readv."""
    secret = ctypes.create_string_buffer(secrets.token_hex(16).encode())
    given = {"pid": os.getpid(), "address": ctypes.addressof(secret), "size": len(secret.value)}
    with _run(attempts.trace, level, **given) as outcome:
        tracer = ""
        with suppress(OSError):
            tracer = Path("/proc/self/status").read_text().partition("TracerPid:")[2].split()[0]
        arrived = secret.value.decode() in outcome.got or tracer == str(outcome.child.pid)
        return outcome.attack(
            "trace the parent", arrived=arrived, effect="our memory came back, or it became our tracer"
        )


ATTACKS: tuple[Callable[[Level], Attack], ...] = (
    read_passwd,
    read_repository,
    write_outside,
    tcp_connect,
    udp_send,
    allocate,
    fork_many,
    loop_forever,
    signal_process,
    read_environment,
    execute,
    print_much,
    trace_parent,
)


def self_test(level: Level = "L2") -> list[Attack]:
    """Run all attacks on children that enforce at most `level`; about three seconds on two cores."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda attack: attack(level), ATTACKS))


def fingerprint() -> str:
    """What the outcome depends on, as a key for keeping it: kernel, user, Python, package versions."""
    names = ("elk-sandbox", "landlockpy", "numpy")
    found = {"kernel": platform.platform(), "user": os.getuid(), "python": sys.version}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return json.dumps(found, sort_keys=True)
