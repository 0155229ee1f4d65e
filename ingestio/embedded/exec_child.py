"""Become a child process that ends with its parent and may run as another user. Run as a script, never imported.

    python -I -S exec_child.py PARENT_PID SIGNAL UID:GID|- PROGRAM [ARGUMENT...]

A small program of its own instead of `preexec_fn`, because that runs Python code between fork and exec, which is not safe once the
parent has threads. It starts as the parent's user, so it works from a virtual environment that the target user cannot enter.
"""

import os
import sys

PR_SET_PDEATHSIG = 1
EXIT_NOT_STARTED = 126


def _end_with_parent(parent_pid: int, signal_number: int) -> None:
    """Ask the Linux kernel for `signal_number` when the parent dies. Elsewhere the next start ends the orphan."""
    if not sys.platform.startswith("linux"):
        return
    try:
        from ctypes import CDLL
    except ImportError:  # a Python built without libffi
        return
    CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before we asked, so the kernel will not tell us
        sys.exit(EXIT_NOT_STARTED)


def _become(account: str) -> None:
    if account == "-":
        return
    uid, gid = (int(part) for part in account.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main() -> None:
    parent_pid, signal_number, account, *program = sys.argv[1:]
    try:
        _become(account)  # first, because the kernel forgets the death signal when the user changes
        _end_with_parent(int(parent_pid), int(signal_number))
        os.execv(program[0], program)  # noqa: S606 - an argument list, no shell
    except OSError as error:
        sys.exit(f"cannot start {program[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
