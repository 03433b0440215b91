"""What the self-test tries in a child: each function runs there from its own source text, and so imports what it needs.

Each returns what it got hold of, and raises where every way was barred.
"""

from collections.abc import Callable


def read(path: str) -> str:
    """The text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def listing(folder: str, name: str) -> str:
    """The names in `folder` and the text of `name` in it, or either."""
    import os

    found = []
    try:
        found += os.listdir(folder)
    finally:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            found.append(file.read())
    return "\n".join(found)


def write(folder: str) -> str:
    """Create a file in `folder`; truncate, open up to all, overwrite and remove the file `old` there."""
    import os

    old = os.path.join(folder, "old")
    ways: tuple[Callable[[], object], ...] = (
        lambda: open(os.path.join(folder, "new"), "w").close(),
        lambda: os.truncate(old, 0),
        lambda: os.chmod(old, 0o777),
        lambda: open(old, "w").close(),
        lambda: os.remove(old),
    )
    barred = []
    for way in ways:
        try:
            way()
        except OSError as error:
            barred.append(error)
    if barred:
        raise barred[0]
    return "written"


def tcp(port: int) -> str:
    """Connect to this machine's `port`."""
    import socket

    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(b"out")
    return "sent"


def udp(port: int) -> str:
    """Send a datagram to this machine's `port`."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return str(sender.sendto(b"out", ("127.0.0.1", port)))


def allocate(size: int) -> str:
    """Hold `size` bytes."""
    return str(len(bytearray(size)))


def fork(count: int) -> str:
    """Make `count` processes; each prints one character and ends."""
    import os

    for _ in range(count):
        if not os.fork():
            os.write(1, b"#")
            os._exit(0)
    return "forked"


def loop() -> str:
    """Never return."""
    while True:
        pass


def send_signal(pid: int) -> str:
    """Ask the process `pid` to end, by kill, killpg, a pidfd and tkill."""
    import ctypes
    import os
    import signal

    barred = []
    ways: tuple[Callable[[], object], ...] = (
        lambda: os.kill(pid, 15),
        lambda: os.killpg(pid, 15),
        lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 15),
        lambda: ctypes.CDLL(None).syscall({"x86_64": 200, "aarch64": 130}[os.uname().machine], pid, 15),
    )
    for way in ways:
        try:
            way()
        except (OSError, AttributeError, KeyError) as error:
            barred.append(error)
    if barred:
        raise barred[0]
    return "sent"


def environ(pids: list[int]) -> str:
    """Its own environment, and those of the processes `pids`."""
    import os

    found = [str(dict(os.environ))]
    for pid in pids:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                found.append(file.read().decode(errors="replace"))
        except OSError as error:
            found.append(str(error))
    return "\n".join(found)


def execute() -> str:
    """Become a shell that prints a word."""
    import os

    os.execv("/bin/sh", ["sh", "-c", "echo executed"])


def fill(size: int) -> str:
    """Print `size` bytes."""
    import os

    chunk = b"." * (1 << 20)
    for _ in range(size // len(chunk)):
        os.write(1, chunk)
    return "printed"


def trace(pid: int, address: int, size: int) -> str:
    """Attach to the process `pid` by ptrace, and read `size` bytes of its memory."""
    import ctypes

    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))

    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.restype = ctypes.c_long
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    seize = 0x4206
    attached = libc.ptrace(seize, pid, None, None)
    buffer = ctypes.create_string_buffer(size)
    here, there = Vector(ctypes.addressof(buffer), size), Vector(address, size)
    read = libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    return f"ptrace gave {attached}, process_vm_readv {read}: {buffer.raw[:size].decode(errors='replace')}"
