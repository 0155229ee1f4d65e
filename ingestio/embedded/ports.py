"""Free loopback ports, chosen once and remembered, so that links and scripts keep working over restarts."""

import contextlib
import json
import random
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from ingestio.embedded.files import write_private
from ingestio.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
# Below every common range of ephemeral ports (Linux starts at 32768, macOS at 49152): there, an outgoing connection could take our port
# while a server restarts, and a client that retries could even connect to itself.
_CHOICES = range(15_000, 32_000)
_PATIENCE_SECONDS = 1.0
_SYSTEM_RANDOM = random.SystemRandom()


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # connections that linger after a stop are no obstacle
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(taken: Iterable[int] = ()) -> int:
    """A loopback port on which nobody listens, none of `taken`."""
    avoid = set(taken)
    for _ in range(1_000):
        port = _SYSTEM_RANDOM.choice(_CHOICES)
        if port not in avoid and is_free(port):
            return port
    raise ConfigurationError(f"no free port found on {LOOPBACK} between {_CHOICES.start} and {_CHOICES.stop}")


def _becomes_free(port: int) -> bool:
    """Free now or within a second: a server of ours that was just killed may still be on its way out."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_free(port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def remembered_ports(memory: Path, names: Iterable[str]) -> dict[str, int]:
    """A free port per name: the one in the file `memory` if it is still free, else a new one, which is then remembered."""
    known: dict[str, int] = {}
    with contextlib.suppress(FileNotFoundError, ValueError, AttributeError):  # an unreadable memory is only forgotten
        known = {str(name): port for name, port in json.loads(memory.read_bytes()).items() if isinstance(port, int)}
    chosen = dict(known)
    for name in names:
        if name not in chosen or not _becomes_free(chosen[name]):
            chosen[name] = free_port(taken=chosen.values())
    if chosen != known:
        write_private(memory, json.dumps(chosen, indent=1).encode())
    return chosen
