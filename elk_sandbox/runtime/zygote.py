"""The zygote's side: a process that has imported a role, and forks a child for each of its owner's requests.

It runs nothing of a user's and is told nothing of it: the job is a file that only the child reads, and a child starts
with none of the zygote's descriptors. What the zygote holds, a socket to its owner and a line for each child, is out of
a confined child's reach as all of the owner's is: Landlock and the filter let it signal and trace itself alone.

A line carries numbers (`NUMBER`): from the child its own one, once it leads a session; from the zygote, for each byte
that is asked, how the child ended. A dead child is kept until the owner lets go of its line, so that its number cannot
become another's while somebody may signal it.
"""

import ctypes
import errno
import fcntl
import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
from contextlib import suppress

from elk_sandbox.runtime import child, confine

__all__ = ["LIVES", "NUMBER", "main"]

NUMBER = struct.Struct("<i")
LIVES = 1 << 30  # the answer about a child that has not ended
SENT = 6  # descriptors of a request: line, job, output, requests, replies, trace
BEYOND = 64  # descriptors are moved up here, out of the way of the numbers that they get
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Entry of the zygote. Standard input is the socket that asks it for children; the last argument is the role."""
    with suppress(Exception):  # the child tries again, and tells
        importlib.import_module(sys.argv.pop())
    confine.preload()
    gc.collect()
    gc.freeze()  # or each child's first collection would copy all pages
    zygote = os.getpid()
    descriptors = _wait()
    try:
        _settle(descriptors, zygote)
        child.main()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def _wait() -> list[int]:
    """Serve the owner until it is gone. Returns in each child, with the descriptors of its request."""
    owner = socket.socket(fileno=0)
    poller = select.poll()
    poller.register(owner, select.POLLIN)
    brood: dict[int, int] = {}  # a child's line: its process
    while True:
        for ready, _ in poller.poll():
            if ready in brood:
                if not _answer(ready, brood[ready]):
                    poller.unregister(ready)
                    del brood[ready]
                continue
            _, descriptors, _, _ = socket.recv_fds(owner, 1, SENT)
            if len(descriptors) < SENT:
                for pid in brood.values():
                    _kill(pid)
                os._exit(0)
            line = descriptors[0]
            try:
                pid = os.fork()
            except OSError as error:
                with suppress(ConnectionError):
                    os.write(line, NUMBER.pack(-(error.errno or errno.EAGAIN)))
                os.close(line)
            else:
                if not pid:
                    owner.detach()
                    return descriptors
                brood[line] = pid
                poller.register(line, select.POLLIN)
            for descriptor in descriptors[1:]:
                os.close(descriptor)


def _answer(line: int, pid: int) -> bool:
    """Tell how a child is, or end it once its owner has let go; whether there may be more to answer."""
    with suppress(ConnectionError):
        if os.read(line, 1):
            end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            status = LIVES if end is None else end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
            os.write(line, NUMBER.pack(status))
            return True
    _kill(pid)
    os.waitpid(pid, 0)
    os.close(line)
    return False


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)  # by its own number too: it may not lead a group yet
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _settle(descriptors: list[int], zygote: int) -> None:
    """Make of this fork what a fresh interpreter would be: a session, descriptors and random numbers of its own."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != zygote:  # it died before we said that we die with it
        os._exit(1)
    os.write(descriptors[0], NUMBER.pack(os.getpid()))
    job, output, *pipes = [fcntl.fcntl(d, fcntl.F_DUPFD, BEYOND) for d in descriptors[1:]]
    for descriptor, number in zip((job, output, output, *pipes), range(SENT), strict=True):
        os.dup2(descriptor, number)
    os.closerange(SENT, os.sysconf("SC_OPEN_MAX"))
    if random := sys.modules.get("numpy.random"):
        random.seed()
