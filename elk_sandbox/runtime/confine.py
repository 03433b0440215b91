"""What a child gives up before it runs a user's file: rlimits, files and TCP (Landlock), system calls (seccomp).

Called once, in the child, by a process with one thread. Nothing here raises because a kernel lacks a layer: what could
not be enforced is left out of `Enforced` and told in its notes. Names and metadata of files stay visible to `stat`;
their contents do not.
"""

import ctypes
import os
import resource
import site
import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["LEVELS", "PROJECT", "Enforced", "confine", "preload"]

LEVELS = ("L0", "L1", "L2")
"""L0: own session, cleared environment, rlimits; L1: and Landlock; L2: and the seccomp filter."""

PROJECT = ("elk_sandbox", "rlhf_lab")
"""The packages that hold worlds, truth and scorer: out of a user's reach, wherever they are installed."""

OPEN_FILES = 256
TASKS = 4096  # bounds a fork bomb where there is no seccomp; it counts all of the user's threads, and never binds root

EPERM, ENOSYS = 1, 38
NEWEST_CALL = 469  # file_setattr, Linux 6.17; younger calls are refused as unknown, x32 numbers (from 2**30) with them
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 38, 24

# Denied system calls, by number on (x86_64, aarch64); None where the architecture lacks it.
DENIED: dict[str, tuple[int | None, int | None]] = {
    # processes and programs
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "setrlimit": (160, 164),
    # other machines and other processes
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "sendto": (44, 206), "sendmsg": (46, 211), "sendmmsg": (307, 269),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "semctl": (66, 191),
    "msgget": (68, 186), "msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181),
    # file systems and namespaces
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "open_tree_attr": (467, 467),
    "unshare": (272, 97), "setns": (308, 268), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    # Landlock does not govern a file's metadata, nor who watches it
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "file_setattr": (469, 469), "inotify_init": (253, None), "inotify_init1": (294, 26),
    "fanotify_init": (300, 262), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    # the kernel
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "personality": (135, 92), "syslog": (103, 116),
    "capset": (126, 91), "init_module": (175, 105), "finit_module": (313, 273), "modify_ldt": (154, None),
}  # fmt: skip

# Calls that depend on an argument, in the same two columns.
CONDITIONAL: dict[str, tuple[int, int]] = {
    "kill": (62, 129), "tgkill": (234, 131), "sched_setaffinity": (203, 122), "clone": (56, 220), "clone3": (435, 435),
    "fcntl": (72, 25), "ioctl": (16, 29), "prlimit64": (302, 261),
}  # fmt: skip

ARCHITECTURES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}  # column, AUDIT_ARCH, seccomp(2)


class Enforced(NamedTuple):
    """What the child reports after it has restricted itself."""

    rlimits: bool  # all of them could be set
    landlock: int  # ABI version in force, 0: none
    seccomp: bool  # the filter is in force
    notes: tuple[str, ...] = ()  # why a layer is missing

    @property
    def level(self) -> str:
        """L0, L1 or L2."""
        return "L0" if not self.landlock else "L2" if self.seccomp else "L1"

    @property
    def label(self) -> str:
        """One line for people and run records, such as "L2: rlimits + Landlock ABI 7 + seccomp"."""
        layers = ["rlimits" if self.rlimits else "some rlimits"]
        layers += [f"Landlock ABI {self.landlock}"] if self.landlock else []
        layers += ["seccomp"] if self.seccomp else []
        return f"{self.level}: {' + '.join(layers)}"


def confine(folder: str, package_root: str, *, cpu: int, memory: int, output: int, most: str = "L2") -> Enforced:
    """Restrict this process for good.

    Args:
        folder: the only place where it may still write.
        package_root: the folder that holds `elk_sandbox`, which becomes unreadable.
        cpu: seconds of processor time. memory: bytes of address space. output: bytes that one file may hold.
        most: highest of `LEVELS` to enforce.
    """
    notes: list[str] = []
    landlock, seccomp = 0, False
    rlimits = _limit(cpu, memory, output, notes)
    if most >= "L1":
        landlock = _landlock(folder, package_root, notes)
    if most >= "L2":
        seccomp = _seccomp(notes)
    return Enforced(rlimits, landlock, seccomp, tuple(notes))


def preload() -> None:
    """Load what `confine` uses: to find libc, landlockpy starts a program, once in a process."""
    if sys.platform == "linux":
        import landlockpy

        landlockpy.abi_version()


def _limit(cpu: int, memory: int, output: int, notes: list[str]) -> bool:
    wanted = {
        "AS": (memory, memory),
        "CPU": (cpu, cpu + 1),  # SIGXCPU at the first, SIGKILL at the second
        "FSIZE": (output, output),
        "NOFILE": (OPEN_FILES, OPEN_FILES),
        "CORE": (0, 0),
        "NPROC": (TASKS, TASKS),
    }
    missing = []
    for name, (soft, hard) in wanted.items():
        number = getattr(resource, f"RLIMIT_{name}")
        ceiling = resource.getrlimit(number)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        try:
            resource.setrlimit(number, (soft, hard))
        except (OSError, ValueError):
            missing.append(name)
    if missing:
        notes.append(f"no rlimit for {', '.join(missing)}")
    return not missing


def _landlock(folder: str, package_root: str, notes: list[str]) -> int:
    """Leave only Python, its libraries, /dev/null, /dev/urandom and `folder`; return the ABI in force, 0 for none."""
    if sys.platform != "linux":
        notes.append("Landlock is a part of Linux only")
        return 0
    import landlockpy  # here: it loads libc on import, which other systems lack

    if not (abi := landlockpy.abi_version()):
        notes.append("this kernel has no Landlock")
        return 0
    access = landlockpy.AccessFS
    read = access.READ_FILE | access.READ_DIR
    write = access.WRITE_FILE | access.TRUNCATE | access.MAKE_REG | access.MAKE_DIR | access.REFER
    try:
        with landlockpy.Ruleset(scoped=landlockpy.Scope.SIGNAL | landlockpy.Scope.ABSTRACT_UNIX_SOCKET) as rules:
            rules.allow_path(folder, read | write | access.REMOVE_FILE | access.REMOVE_DIR)
            rules.allow_path("/dev/null", access.READ_FILE | access.WRITE_FILE)
            rules.allow_path("/dev/urandom", access.READ_FILE)
            for path, whole in _readable(package_root):
                rights = (read if os.path.isdir(path) else access.READ_FILE) if whole else access.READ_DIR
                rules.allow_path(path, rights)
            # Before ABI 8 only the calling thread is restricted; a second one would stay free.
            if abi < 8 and len(os.listdir("/proc/self/task")) > 1:
                notes.append("Landlock left out: the role started threads, and this kernel restricts only one")
                return 0
            rules.restrict(landlockpy.RestrictFlag.TSYNC)
    except (OSError, landlockpy.LandlockError) as error:
        notes.append(f"Landlock failed: {error}")
        return 0
    if abi < 4:
        notes.append(f"Landlock ABI {abi} does not govern TCP; only the seccomp filter does")
    return int(abi)


def _readable(package_root: str) -> Iterator[tuple[str, bool]]:
    """Paths that the child may read: (path, True: all beneath it | False: the names only)."""
    sites = {os.path.realpath(path) for path in site.getsitepackages()}
    root = os.path.realpath(package_root)
    # Installed among other packages: all but ours. A checkout (editable install): nothing of it.
    installed = [os.path.join(folder, name) for folder in sites for name in PROJECT]
    hidden = [path for path in installed if os.path.exists(path)] + ([] if root in sites else [root])
    libraries = {os.path.realpath(path) for path in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")}
    python = {os.path.realpath(os.path.dirname(os.__file__)), os.path.realpath(os.path.join(sys.base_prefix, "lib"))}
    trusted = sites | libraries | python
    entries = {os.path.realpath(path) for path in sys.path if path}
    for path in sorted(trusted | entries):
        overlaps = _within(path, root) or _within(root, path)
        if os.path.exists(path) and (path in trusted or not overlaps):
            yield from _around(path, hidden)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _around(path: str, hidden: list[str]) -> Iterator[tuple[str, bool]]:
    """`path` whole, or, where something hidden lies beneath it, its names and the rest of its contents.

    Site-packages inside a checkout (its .venv) is asked for by name, so a hidden folder above `path` does not count.
    """
    if not any(_within(secret, path) for secret in hidden):
        yield path, True
    elif path not in hidden:
        yield path, False
        for entry in os.scandir(path):
            if not entry.is_symlink():  # a rule for a link is one for its target, which may lie anywhere
                yield from _around(entry.path, hidden)


def _seccomp(notes: list[str]) -> bool:
    """Drop all capabilities and install the filter for every thread."""
    machine = os.uname().machine
    if sys.platform != "linux" or machine not in ARCHITECTURES:
        notes.append(f"no seccomp filter for {sys.platform} on {machine}")
        return False
    column, audit, number = ARCHITECTURES[machine]
    program = _program(column, audit, os.getpid())
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    # Version 3 of struct __user_cap_header (version, pid) and two empty struct __user_cap_data.
    libc.capset(struct.pack("Ii", 0x20080522, 0), bytes(24))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HP", len(program) // 8, ctypes.addressof(code))  # struct sock_fprog
    set_filter, all_threads = 1, 1
    if libc.syscall(number, set_filter, all_threads, head) != 0:
        notes.append(f"seccomp failed: {os.strerror(ctypes.get_errno())}")
        return False
    return True


LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000  # SECCOMP_RET_*; REFUSE | errno


def _program(column: int, audit: int, pid: int) -> bytes:
    """The filter as classic BPF over struct seccomp_data: number at 0, architecture at 4, six arguments from 16.

    Source: Linux, Documentation/userspace-api/seccomp_filter.rst.
    """
    call = {name: numbers[column] for name, numbers in CONDITIONAL.items()}
    refuse = REFUSE | EPERM
    low, high = 16, 20  # halves of the first argument, on a little-endian machine
    program = _op(LOAD, 4) + _op(EQUAL, audit, 1, 0) + _op(RETURN, KILL)
    program += _op(LOAD, 0) + _op(AT_LEAST, NEWEST_CALL + 1, 0, 1) + _op(RETURN, REFUSE | ENOSYS)
    for numbers in DENIED.values():
        if (number := numbers[column]) is not None:
            program += _op(EQUAL, number, 0, 1) + _op(RETURN, refuse)
    program += _op(EQUAL, call["clone3"], 0, 1) + _op(RETURN, REFUSE | ENOSYS)  # libc then falls back on clone

    def when(name: str, *body: bytes) -> bytes:
        return _op(EQUAL, call[name], 0, len(body)) + b"".join(body)

    allow_if = (_op(RETURN, refuse), _op(RETURN, ALLOW))
    for name in ("kill", "tgkill", "sched_setaffinity"):  # of itself only: 0, or its own number
        program += when(name, _op(LOAD, low), _op(EQUAL, 0, 2, 0), _op(EQUAL, pid, 1, 0), *allow_if)
    clone_thread = 0x10000
    program += when("clone", _op(LOAD, low), _op(ANY_BIT, clone_thread, 1, 0), *allow_if)
    pointer = 2 * 8  # a new limit is the third argument: none may be set, on itself or others
    null = (_op(LOAD, high + pointer), _op(EQUAL, 0, 0, 2), _op(LOAD, low + pointer), _op(EQUAL, 0, 1, 0))
    program += when("prlimit64", *null, *allow_if)
    # Who gets a file's signals, leases, directory notices; typing into a terminal.
    for name, commands in {"fcntl": (8, 10, 15, 1024, 1026), "ioctl": (0x5412, 0x541C, 0x8901, 0x8902)}.items():
        checks = [_op(EQUAL, command, len(commands) - i, 0) for i, command in enumerate(commands)]
        program += when(name, _op(LOAD, low + 8), *checks, _op(RETURN, ALLOW), _op(RETURN, refuse))
    return program + _op(RETURN, ALLOW)


def _op(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)
