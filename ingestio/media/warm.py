"""One warm child process, seen from its parent: start, hand over a task, take the answer, kill."""

import asyncio
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import ingestio
from ingestio.media.answers import read_answer
from ingestio.media.child import HEADER, Task

# What a child may know of our environment: where programs, libraries and time zones are. No key, no address, no token.
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
_START_SECONDS = 60.0
_LARGEST_ANSWER_BYTES = 512 << 20
_SOURCE_ROOT = Path(ingestio.__file__).parent.parent


class ChildGone(Exception):
    """The child closed its end or broke the protocol."""


class BadAnswer(ChildGone):
    """The answer is too large, damaged, or not made of values."""


class WarmChild:
    """A running child. Not safe for two tasks at once: the pool hands it to one at a time."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        """Starts the process, which imports `modules` on its own while this one goes on. Call it from the event loop's own thread:
        the kernel ends a child together with the thread that started it."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"PYTHONPATH": str(_SOURCE_ROOT), "PYTHONSAFEPATH": "1", "MALLOC_ARENA_MAX": "1"}
        with theirs:
            try:
                self._process: subprocess.Popen[bytes] = subprocess.Popen(
                    [sys.executable, "-m", "ingestio.media.child", str(os.getpid()), *modules],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env=environment,
                    cwd="/",
                )
            except BaseException:
                ours.close()
                raise
        self._socket = ours
        self.tasks = 0

    def is_alive(self) -> bool:
        return self._process.poll() is None

    async def start(self, task: Task) -> bool:
        """Hands the task over and returns once it runs; False when its function cannot be imported. Raises ChildGone."""
        self.tasks += 1
        body = pickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await asyncio.get_running_loop().sock_sendall(self._socket, HEADER.pack(len(body)) + body)
                return bool((await self._message())[0] == "started")
        except (TimeoutError, OSError):
            raise ChildGone from None

    async def answer(self) -> tuple[Any, ...]:
        """What the task came to: `(kind, ..., resident bytes)`. Raises ChildGone when the child died or answered nonsense."""
        message = await self._message()
        if len(message) < 2 or not isinstance(message[0], str) or not isinstance(message[-1], int):
            raise BadAnswer("an answer has a kind, a value and a size")
        return message

    async def _message(self) -> tuple[Any, ...]:
        try:
            (size,) = HEADER.unpack(await self._exactly(HEADER.size))
            if size > _LARGEST_ANSWER_BYTES:
                raise BadAnswer("an answer is too large")
            return read_answer(await self._exactly(size))
        except pickle.UnpicklingError as error:
            raise BadAnswer(str(error)[:200]) from None
        except OSError:
            raise ChildGone from None

    async def _exactly(self, size: int) -> bytearray:
        loop = asyncio.get_running_loop()
        data = bytearray()
        while len(data) < size:
            part = await loop.sock_recv(self._socket, min(size - len(data), 1 << 20))
            if not part:
                raise ChildGone
            data += part
        return data

    def kill(self) -> None:
        """Ends the process without waiting for it; may be called again. Who waits for its answer learns that it is gone."""
        if self._process.returncode is None:
            self._process.kill()

    async def gone(self) -> int:
        """Waits until the system has taken the process away; its return code, negative for a signal."""
        code = await asyncio.to_thread(self._process.wait)
        # Not before: closing a socket that the loop still watches would leave its reader waiting for ever.
        self._socket.close()
        return code

    def end(self) -> None:
        """Kills and waits without a loop: a few milliseconds."""
        self.kill()
        self._process.wait()
        self._socket.close()
