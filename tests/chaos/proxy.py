"""A TCP proxy between two parts that breaks connections on request: the network as it is on bad days.

    async with Proxy("127.0.0.1", 5432) as proxy:
        proxy.next_connections(Fault(Kind.RESET, after_bytes=500, direction=Direction.TO_CLIENT))
        proxy.from_now_on(Fault(Kind.LATENCY, seconds=0.2))
        proxy.strike(Fault(Kind.BLACK_HOLE))
        proxy.heal()

Belongs to the event loop that opened it; nothing here is safe to call from another thread. Delays come from a seeded dice.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

CHUNK_BYTES = 64 * 1024
_LINGER_ZERO = struct.pack("ii", 1, 0)


class Kind(StrEnum):
    """What happens to a connection."""

    LATENCY = "latency"
    """Every piece arrives late, by half to one and a half of `seconds`; the connection stays in order."""
    RESET = "reset"
    """Both ends get an RST, whatever was under way is lost."""
    BLACK_HOLE = "black hole"
    """Nothing comes through any more and nobody is told. Healing lets what was held back through, however late, or resets it."""
    CUT = "cut"
    """Both ends see an orderly end of the stream, in the middle of whatever they were saying."""


class Direction(StrEnum):
    """Which of the two streams of a connection is meant."""

    BOTH = "both ways"
    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one connection, from the byte on that follows the first `after_bytes` of the direction, or a text that came through.

    `after_text` (b"COMMIT") hits what was asked and not yet answered: the text still arrives, the direction's rest does not.
    """

    kind: Kind
    after_bytes: int = 0
    direction: Direction = Direction.BOTH
    seconds: float = 0.0
    after_text: bytes = b""

    def concerns(self, direction: Direction) -> bool:
        return self.direction in (Direction.BOTH, direction)

    def __str__(self) -> str:
        when = f" after {self.after_text.decode()!r}" if self.after_text else ""
        when = f" after {self.after_bytes} bytes" if self.after_bytes else when
        return f"{self.kind}{f' {self.seconds:g} s' if self.seconds else ''}, {self.direction}{when}"


class Proxy:
    """Listens on a free loopback port and passes every connection on to one address."""

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self._upstream = (host, port)
        self._dice = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._open: set[_Connection] = set()
        self._next: deque[Fault] = deque()
        self._lasting: Fault | None = None
        self.port = 0
        self.accepted = 0
        self.hit = 0
        """Connections that a fault was laid on."""

    @property
    def open_connections(self) -> int:
        return len(self._open)

    def next_connections(self, *faults: Fault) -> None:
        """The next connection gets the first fault, the one after it the second, and so on."""
        self._next.extend(faults)

    def from_now_on(self, fault: Fault) -> None:
        """Every new connection gets this fault, until `heal`."""
        self._lasting = fault

    def strike(self, fault: Fault) -> None:
        """Lay a fault on every connection that is open now; bytes and texts count from here."""
        for connection in list(self._open):
            self._lay_on(connection, fault)

    def heal(self, *, reset_held: bool = False) -> None:
        """End all faults. What black holes held back goes through now, or with `reset_held` its connections are reset."""
        self._lasting = None
        self._next.clear()
        for connection in list(self._open):
            connection.heal(reset_held=reset_held)

    def point_to(self, port: int) -> None:
        """New connections go to another port of the same host."""
        self._upstream = (self._upstream[0], port)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=CHUNK_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [connection.task for connection in self._open]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _lay_on(self, connection: "_Connection", fault: Fault) -> None:
        self.hit += 1
        connection.suffer(fault)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.accepted += 1
        connection = _Connection(task, (reader, writer), self._dice)
        self._open.add(connection)
        if (fault := self._next.popleft() if self._next else self._lasting) is not None:
            self._lay_on(connection, fault)
        try:
            await connection.serve(*self._upstream)
        finally:
            self._open.discard(connection)


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Watch:
    """One fault and how far its direction still is from it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.is_due = not (fault.after_bytes or fault.after_text)
        self._left = fault.after_bytes
        self._tail = b""

    def passes(self, chunk: bytes) -> int:
        """How many bytes of the chunk come through before the fault; all of them when it is not due yet."""
        text = self.fault.after_text
        if self.is_due:
            return 0
        if text:
            found = (self._tail + chunk).find(text)
            if found < 0:
                self._tail = (self._tail + chunk)[-len(text) + 1 :] if len(text) > 1 else b""
                return len(chunk)
            self.is_due = True
            return found + len(text) - len(self._tail)
        passed = min(self._left, len(chunk))
        self._left -= passed
        self.is_due = self._left == 0
        return passed


class _Connection:
    """Two streams, each pumped by a task of its own, and the faults laid on them."""

    def __init__(self, task: "asyncio.Task[None]", client: Line, dice: random.Random) -> None:
        self.task = task
        self._client = client
        self._server: Line | None = None
        self._dice = dice
        self._watches: dict[Direction, list[_Watch]] = {Direction.TO_SERVER: [], Direction.TO_CLIENT: []}
        self._holds = 0
        self._healed = asyncio.Event()

    def suffer(self, fault: Fault) -> None:
        """Lay a fault on what comes from here on; one that is due and needs no byte to show itself happens now."""
        for direction, watches in self._watches.items():
            if fault.concerns(direction):
                watch = _Watch(fault)
                if watch.is_due and fault.kind in (Kind.RESET, Kind.CUT):
                    self._end(fault.kind)
                    return
                watches.append(watch)

    def heal(self, *, reset_held: bool) -> None:
        """Forget the faults; what is held goes on, or its connection ends."""
        for watches in self._watches.values():
            watches.clear()
        if self._holds and reset_held:
            self._end(Kind.RESET)
        self._healed.set()
        self._healed = asyncio.Event()

    async def serve(self, host: str, port: int) -> None:
        """Pump both ways until both streams have ended, or a fault or the proxy ends the connection."""
        try:
            if all(self._is_hole(direction) for direction in self._watches):
                await self._hold()
            self._server = await asyncio.open_connection(host, port, limit=CHUNK_BYTES)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(self._client[0], self._server[1], Direction.TO_SERVER))
                pumps.create_task(self._pump(self._server[0], self._client[1], Direction.TO_CLIENT))
            self._close()
        except OSError:
            self._reset()  # the server is away
        except asyncio.CancelledError:
            self._reset()  # changes nothing after an orderly end

    def _end(self, kind: Kind) -> None:
        if kind is Kind.RESET:
            self._reset()
        else:
            self._close()
        self.task.cancel()

    def _writers(self) -> list[asyncio.StreamWriter]:
        return [self._client[1], *([self._server[1]] if self._server else [])]

    def _close(self) -> None:
        """Both ends get the end of the stream, after what was passed on to them."""
        for writer in self._writers():
            writer.close()

    def _reset(self) -> None:
        """Both ends get an RST, unless the connection is closing already."""
        for writer in self._writers():
            if writer.transport.is_closing():
                continue
            with contextlib.suppress(OSError):
                writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            writer.transport.abort()

    def _is_hole(self, direction: Direction) -> bool:
        return any(watch.is_due and watch.fault.kind is Kind.BLACK_HOLE for watch in self._watches[direction])

    async def _hold(self) -> None:
        self._holds += 1
        try:
            await self._healed.wait()
        finally:
            self._holds -= 1

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, direction: Direction) -> None:
        try:
            while chunk := await source.read(CHUNK_BYTES):
                while chunk:
                    chunk = await self._forward(chunk, target, direction)
            # The end of the stream is held back like a byte: who sits behind a black hole does not learn that the other end is gone.
            if self._is_hole(direction):
                await self._hold()
            target.write_eof()
        except OSError:
            self._end(Kind.RESET)  # an end reset the connection, so the other end learns it too

    async def _forward(self, chunk: bytes, target: asyncio.StreamWriter, direction: Direction) -> bytes:
        """Pass on what comes through before the first fault that is due, then let that happen; answers what is left for later."""
        passed = len(chunk)
        due: _Watch | None = None
        for watch in list(self._watches[direction]):
            if watch.fault.kind is Kind.LATENCY:
                await asyncio.sleep(watch.fault.seconds * self._dice.uniform(0.5, 1.5))
                continue
            upto = watch.passes(chunk)
            if watch.is_due and upto <= passed:
                passed, due = upto, watch
        if passed:
            target.write(chunk[:passed])
            await target.drain()
        if due is not None:
            if due.fault.kind is not Kind.BLACK_HOLE:
                self._end(due.fault.kind)
            await self._hold()
        return chunk[passed:]
