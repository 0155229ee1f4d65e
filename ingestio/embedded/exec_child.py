"""Become a child process that ends with its parent and may run as another user. Run as a script, never imported.

    python -I -S exec_child.py PARENT_PID SIGNAL UID:GID|- PROGRAM [ARGUMENT...]

A small program of its own instead of `preexec_fn`, because that runs Python code between fork and exec, which is not safe once the
parent has threads. It starts as the parent's user, so it works from a virtual environment that the target user cannot enter.
"""

import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
EXIT_NOT_STARTED = 126

# What is ignored stays ignored in the program: Python ignores some, libraries others, a shell's `&` SIGINT, nohup SIGHUP. A part must
# hear the signal that stops it however `ingestio up` was started.
_INHERITED = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


def _death_signal_setter() -> Callable[[int], None]:
    """How to ask the Linux kernel for a signal when the parent dies. Elsewhere the next start of the instance ends the orphan."""
    if not sys.platform.startswith("linux"):
        return lambda _signal: None
    try:
        from ctypes import CDLL
    except ImportError:
        sys.stderr.write("this Python has no ctypes: a child outlives a parent that is killed, until the next start\n")
        return lambda _signal: None
    prctl = CDLL(None).prctl

    def ask(number: int) -> None:
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)

    return ask


def _become(account: str) -> None:
    if account == "-":
        return
    uid, gid = (int(part) for part in account.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main() -> None:
    parent_pid, signal_number, account, *program = sys.argv[1:]
    ask_for_death_signal = _death_signal_setter()  # while we are still the user who can read this Python's modules
    try:
        _become(account)
        ask_for_death_signal(int(signal_number))  # after that, because the kernel forgets it when the user changes
        if os.getppid() != int(parent_pid):  # it died before we asked, so the kernel will not tell us
            sys.exit(EXIT_NOT_STARTED)
        for number in _INHERITED:
            signal.signal(number, signal.SIG_DFL)
        os.execv(program[0], program)  # noqa: S606 - an argument list, no shell
    except OSError as error:
        sys.exit(f"cannot start {program[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
