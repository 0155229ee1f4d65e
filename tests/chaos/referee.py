"""The referee: hears of every boundary that a mortal process crosses, counts, and says who dies there.

The deaths of a round are drawn before it begins: the n-th crossing of a boundary kills a victim, which is the process that crosses it,
another part, or all of them. The process stands still until the victim is dead, so the moment is exact.
"""

import contextlib
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

GO, DIE = b"+", b"-"
"""The answers on the line."""

PATIENCE_VARIABLE = "CHAOS_PATIENCE_SECONDS"
"""Tells mortal processes after how much silence a worker's task goes to another."""

ITSELF = "itself"


@dataclass(frozen=True, slots=True)
class Death:
    """Who dies when a boundary is crossed for the n-th time."""

    boundary: str
    nth: int
    victim: str

    def __str__(self) -> str:
        return f"{self.victim} at {self.boundary} #{self.nth}"


class Referee:
    """Listens on a socket below `folder`; `kill` ends a part that is not the asking process itself."""

    def __init__(self, folder: Path, kill: Callable[[str], None]) -> None:
        self.path = folder / "referee.sock"
        self.crossed: Counter[str] = Counter()
        """Crossings since `arm`, by boundary."""
        self.fired: list[tuple[Death, str]] = []
        """Deaths since `arm`, each with the name of the part that died."""
        self._kill = kill
        self._due: dict[tuple[str, int], Death] = {}
        self._lives: dict[str, int] = {}
        self._lock = threading.Lock()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, deaths: Iterable[Death]) -> None:
        """Begin a round: counts start anew, and these are the deaths of it."""
        with self._lock:
            self.crossed.clear()
            self.fired = []
            self._due = {(death.boundary, death.nth): death for death in deaths}

    def disarm(self) -> list[Death]:
        """Nobody dies any more; answers the deaths that never came to pass."""
        with self._lock:
            left, self._due = list(self._due.values()), {}
        return left

    def lives(self) -> dict[str, int]:
        """Who lives: process ids by name."""
        with self._lock:
            return dict(self._lives)

    def end_life(self, name: str) -> bool:
        """SIGKILL for a mortal process; False when it is dead already."""
        with self._lock:
            pid = self._lives.pop(name, None)
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    def close(self) -> None:
        self.disarm()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._follow, args=(line,), daemon=True).start()

    def _follow(self, line: socket.socket) -> None:
        """One life, from its first word to its last."""
        with line, line.makefile("rb") as words:
            name, pid = words.readline().decode().split()
            with self._lock:
                self._lives[name] = int(pid)
            # It dies in the middle of a word, or while it waits for an answer.
            with contextlib.suppress(OSError):
                for word in words:
                    line.sendall(self._judge(name, word.decode().rstrip("\n")))
            with self._lock:
                if self._lives.get(name) == int(pid):
                    del self._lives[name]

    def _judge(self, name: str, boundary: str) -> bytes:
        with self._lock:
            self.crossed[boundary] += 1
            death = self._due.pop((boundary, self.crossed[boundary]), None)
            if death is None:
                return GO
            self.fired.append((death, name if death.victim == ITSELF else death.victim))
        if death.victim == ITSELF:
            return DIE
        self._kill(death.victim)
        return GO
