"""Runs functions that read hostile bytes in warm child processes, capped in wall time, CPU time and memory.

A child is a fresh interpreter (never a fork of this multi-threaded process), talks over a socket of its own, sees a nearly empty
environment (no secret to steal) and serves many tasks, because starting one costs a hundred times what counting a PDF does. A child
that breaks a limit, crashes or whose task is cancelled is killed and replaced; the next task never notices.
"""

import asyncio
import os
import signal
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from ingestio.errors import IngestioError, Unavailable
from ingestio.media.answers import rebuilt
from ingestio.media.child import Task
from ingestio.media.warm import BadAnswer, ChildGone, WarmChild

T = TypeVar("T")

TASKS_PER_CHILD = 500
# A child that stays this large after a task is retired: freed memory does not always go back to the system.
RETIRE_RESIDENT_BYTES = 300 << 20
# A child that dies before it took the task up, or is killed from outside, says nothing about the task; three in a row do about the machine.
_ATTEMPTS = 3


class BoundedFailure(IngestioError):
    """A bounded task ended without an answer. The pool is as good as before."""

    code = "bounded_failure"


class TimeExceeded(BoundedFailure):
    """The task ran longer than allowed; its child was killed."""


class MemoryExceeded(BoundedFailure):
    """The task needed more memory than allowed."""


class ChildCrashed(BoundedFailure):
    """The child died of its task: a fault in a parser, mostly. `signal_number`: what ended it."""

    def __init__(self, detail: str, *, signal_number: int | None = None) -> None:
        super().__init__(detail)
        self.signal_number = signal_number


class TaskFailed(BoundedFailure):
    """The function raised something that is not ours. `detail` has its type and where, never its message, which may quote a document."""


class BoundedPool:
    """At most `size` children (default: one a processor), started when first needed. Belongs to the event loop that first uses it."""

    def __init__(
        self,
        size: int | None = None,
        *,
        tasks_per_child: int = TASKS_PER_CHILD,
        retire_resident_bytes: int = RETIRE_RESIDENT_BYTES,
        idle_seconds: float | None = None,
    ) -> None:
        """`idle_seconds`: a child that has had nothing to do for so long is ended; the next task starts another."""
        self._size = size or os.cpu_count() or 1
        self._tasks_per_child = tasks_per_child
        self._retire_resident_bytes = retire_resident_bytes
        self._idle_seconds = idle_seconds
        self._turns = asyncio.Semaphore(self._size)
        self._idle: list[WarmChild] = []
        self._alive: set[WarmChild] = set()
        self._ending: set[asyncio.Task[int]] = set()
        self._modules: dict[str, None] = {}
        self._closed = False
        # Whoever forgets to close the pool still leaves nothing behind: when it is collected, or at the interpreter's end.
        weakref.finalize(self, _end_all, self._alive)

    @overload
    async def run(self, function: Callable[..., T], *args: Any, wall_seconds: float, memory_bytes: int) -> T: ...
    @overload
    async def run(self, function: str, *args: Any, wall_seconds: float, memory_bytes: int) -> Any: ...
    async def run(self, function: Any, *args: Any, wall_seconds: float, memory_bytes: int) -> Any:
        """The function's value. `function` is a top-level one, or its name `package.module:function` when this process must not import it.

        Waits for a free child first; `wall_seconds` counts from the moment the function runs, the import of its module not included.
        `memory_bytes` is the resident size that the child may reach. Arguments are pickled; the value is made of plain values and of
        dataclasses and enums of the domain or of modules that this process has loaded. Raises TimeExceeded, MemoryExceeded, ChildCrashed,
        TaskFailed, our own errors as the function raised them, and Unavailable when the machine lets no child live. A kill from outside
        says nothing about the file, so the task runs again: it must be harmless to repeat. Cancelling the caller kills the child.
        """
        name = function if isinstance(function, str) else f"{function.__module__}:{function.__qualname__}"
        task = Task(name, args, cpu_seconds=wall_seconds, memory_bytes=memory_bytes)
        async with self._turns:
            for _ in range(_ATTEMPTS):
                child = await self._hand_over(task)
                try:
                    async with asyncio.timeout(wall_seconds):
                        answer = await child.answer()
                except TimeoutError:
                    self._end(child)
                    raise TimeExceeded(f"{name} ran longer than {wall_seconds:g} seconds") from None
                except BadAnswer as error:
                    self._end(child)
                    raise ChildCrashed(f"{name}: {error}") from None
                except ChildGone:
                    number = -await self._end(child)
                    if number == signal.SIGKILL and not self._closed:
                        continue
                    if number == signal.SIGXCPU:
                        raise TimeExceeded(f"{name} computed longer than {wall_seconds:g} seconds") from None
                    raise ChildCrashed(f"{name} ended its process (signal {number})", signal_number=number) from None
                except BaseException:
                    self._end(child)
                    raise
                self._put_back(child, must_go=answer[0] == "memory" or answer[-1] > self._retire_resident_bytes)
                return _value_of(name, answer)
            raise Unavailable("The system kills the processes that read files; it may be short of memory.")

    async def close(self) -> None:
        """Kills all children, busy ones too, and waits until they are gone. Tasks that still run end with ChildCrashed."""
        self._closed = True
        self._idle.clear()
        for child in list(self._alive):
            self._end(child)
        if self._ending:
            await asyncio.wait(self._ending)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _hand_over(self, task: Task) -> WarmChild:
        """A child that has taken up the task."""
        self._modules.setdefault(_module(task.function))
        for _ in range(_ATTEMPTS):
            child = self._take()
            try:
                started = await child.start(task)
            except ChildGone:
                self._end(child)
                continue
            except BaseException:
                self._end(child)
                raise
            if started:
                return child
            self._put_back(child)
            raise TaskFailed(f"{task.function} cannot be imported")
        raise Unavailable("No process that reads files stays alive; the system may be short of memory.")

    def _take(self) -> WarmChild:
        if self._closed:
            raise RuntimeError("the pool is closed")
        while self._idle:
            child = self._idle.pop()
            if child.is_alive():
                return child
            self._end(child)
        return self._spawn()

    def _spawn(self) -> WarmChild:
        try:
            child = WarmChild(tuple(self._modules))
        except OSError as error:
            raise Unavailable(f"No process that reads files can be started: {error.strerror}.") from error
        self._alive.add(child)
        return child

    def _put_back(self, child: WarmChild, *, must_go: bool = False) -> None:
        if self._closed:
            self._end(child)
        elif must_go or child.tasks >= self._tasks_per_child:
            self._end(child)
            # Its successor starts now and stands last in line, so that nobody waits for it as long as there is another.
            self._idle.insert(0, self._spawn())
        else:
            self._idle.append(child)
            if self._idle_seconds is not None:
                asyncio.get_running_loop().call_later(self._idle_seconds, self._send_home, child, child.tasks)

    def _send_home(self, child: WarmChild, tasks: int) -> None:
        """Ends a child that has not had a task since it had done so many."""
        if child in self._idle and child.tasks == tasks:
            self._idle.remove(child)
            self._end(child)

    def _end(self, child: WarmChild) -> asyncio.Task[int]:
        """Kills the child at once; the task that is returned ends when the system has taken it away."""
        child.kill()
        self._alive.discard(child)
        ending = asyncio.create_task(child.gone())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return ending


def _end_all(children: set[WarmChild]) -> None:
    for child in children:
        child.end()
    children.clear()


def _module(function: str) -> str:
    return function.partition(":")[0]


def _value_of(name: str, answer: tuple[Any, ...]) -> Any:
    match answer:
        case ("value", value, _):
            return value
        case ("memory", _):
            raise MemoryExceeded(f"{name} needed more memory than allowed")
        case ("raised", str(module), str(error), str(detail), dict(state), _):
            try:
                raise rebuilt(module, error, detail, state)
            except TypeError:
                raise ChildCrashed(f"{name} answered what may not be answered") from None
        case ("failed", error, where, _):
            raise TaskFailed(f"{name} raised {error} at {where}")
        case _:
            raise ChildCrashed(f"{name} answered what may not be answered")


_Pools = dict[str, BoundedPool]
_pools: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Pools]" = weakref.WeakKeyDictionary()


def shared_pool(
    name: str = "parsers",
    *,
    size: int | None = None,
    retire_resident_bytes: int = RETIRE_RESIDENT_BYTES,
    idle_seconds: float | None = None,
) -> BoundedPool:
    """The running loop's own pool of that name: one a process, as long as it has one loop. The first call fixes its size. It ends with
    the process, or by `close_shared_pool`."""
    pools = _pools.setdefault(asyncio.get_running_loop(), {})
    if name not in pools:
        pools[name] = BoundedPool(size, retire_resident_bytes=retire_resident_bytes, idle_seconds=idle_seconds)
    return pools[name]


async def close_shared_pool() -> None:
    """Ends all pools of the running loop; the next use starts new ones."""
    for pool in _pools.pop(asyncio.get_running_loop(), {}).values():
        await pool.close()


@overload
async def run_bounded(function: Callable[..., T], *args: Any, wall_seconds: float, memory_bytes: int) -> T: ...
@overload
async def run_bounded(function: str, *args: Any, wall_seconds: float, memory_bytes: int) -> Any: ...
async def run_bounded(function: Any, *args: Any, wall_seconds: float, memory_bytes: int) -> Any:
    """`BoundedPool.run` on the running loop's shared pool."""
    return await shared_pool().run(function, *args, wall_seconds=wall_seconds, memory_bytes=memory_bytes)
