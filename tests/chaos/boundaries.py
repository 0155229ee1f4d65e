"""Boundaries: the moments between an operation and its caller's knowledge of it, found at the edges of the libraries that do the operation.

A boundary is named `step:edge`. The step is the activity, the request or `start`; the edges are

    begin, end              around an activity's body, around a request
    commit                  COMMIT is about to be sent
    committing              COMMIT has been sent and nobody has read the answer
    committed               the answer is there and the code has not gone on
    storing, stored         around the write of an object
    deleting, deleted       around the removal of an object
    asking, answered        around a call to the model
    starting, started       around the start, signal or cancel of a workflow
    completing, completed   around handing a workflow task's outcome over

The product runs as it is: nothing in it knows of this, only libraries are wrapped.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

import httpx
import obstore
import psycopg
import temporalio.bridge.worker
import temporalio.client
import temporalio.worker
import uvicorn

Cross = Callable[[str], None]
"""Told the name of a boundary; returns when the process may go on, or never."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_step: ContextVar[str] = ContextVar("step", default="start")


def install(cross: Cross) -> None:
    """Wrap the edges; from here on `cross` hears of every boundary. Once a process."""

    def at(edge: str) -> None:
        step = _step.get()
        # Reading and polling change nothing, and would only drown the others in number.
        if not step.startswith("GET "):
            cross(f"{step}:{edge}")

    @asynccontextmanager
    async def around(before: str, after: str) -> AsyncIterator[None]:
        at(before)
        yield
        at(after)

    _wrap_commits(at)
    _wrap_call(obstore, "put_async", lambda: around("storing", "stored"))
    _wrap_call(obstore, "delete_async", lambda: around("deleting", "deleted"))
    _wrap_call(httpx.AsyncClient, "send", lambda: around("asking", "answered"))
    _wrap_temporal(around)
    _wrap_workflow_tasks(cross)
    _wrap_requests(at)


def _wrap_commits(at: Cross) -> None:
    plain = psycopg.AsyncConnection._exec_command

    def exec_command(self: Any, command: Any, *rest: Any) -> Any:
        """The same generator of waits; the first wait of a COMMIT is the one for its answer."""
        steps = plain(self, command, *rest)
        if command != b"COMMIT":
            return (yield from steps)
        at("commit")
        wait: Any = next(steps)
        at("committing")
        try:
            while True:
                wait = steps.send((yield wait))
        except StopIteration as answered:
            at("committed")
            return answered.value

    psycopg.AsyncConnection._exec_command = exec_command  # type: ignore[method-assign, assignment]


def _wrap_call(owner: Any, name: str, around: Callable[[], Any]) -> None:
    plain = getattr(owner, name)

    @wraps(plain)
    async def wrapped(*arguments: Any, **options: Any) -> Any:
        async with around():
            return await plain(*arguments, **options)

    setattr(owner, name, wrapped)


def _wrap_temporal(around: Callable[[str, str], Any]) -> None:
    """Every client gets our interceptor, and with it every worker."""
    plain = temporalio.client.Client.connect

    class Outbound(temporalio.client.OutboundInterceptor):
        async def start_workflow(self, request: Any) -> Any:
            async with around("starting", "started"):
                return await super().start_workflow(request)

        async def signal_workflow(self, request: Any) -> None:
            async with around("starting", "started"):
                await super().signal_workflow(request)

        async def cancel_workflow(self, request: Any) -> None:
            async with around("starting", "started"):
                await super().cancel_workflow(request)

    class Inbound(temporalio.worker.ActivityInboundInterceptor):
        async def execute_activity(self, request: Any) -> Any:
            _step.set(temporalio.activity.info().activity_type)
            async with around("begin", "end"):
                return await super().execute_activity(request)

    class Interceptor(temporalio.client.Interceptor, temporalio.worker.Interceptor):
        def intercept_client(self, inner: Any) -> Any:
            return Outbound(inner)

        def intercept_activity(self, inner: Any) -> Any:
            return Inbound(inner)

    async def connect(*arguments: Any, **options: Any) -> temporalio.client.Client:
        return await plain(*arguments, **options | {"interceptors": [*options.get("interceptors", ()), Interceptor()]})

    temporalio.client.Client.connect = connect  # type: ignore[method-assign]


def _wrap_workflow_tasks(cross: Cross) -> None:
    plain = temporalio.bridge.worker.Worker.complete_workflow_activation

    async def complete(self: Any, outcome: Any) -> None:
        cross("workflow task:completing")
        await plain(self, outcome)
        cross("workflow task:completed")

    temporalio.bridge.worker.Worker.complete_workflow_activation = complete  # type: ignore[method-assign, assignment]


Message = dict[str, Any]


def _wrap_requests(at: Cross) -> None:
    class Door:
        """Around the whole application: names the step after the request."""

        def __init__(self, app: Any) -> None:
            self._app = app

        async def __call__(
            self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
        ) -> None:
            if scope["type"] != "http":
                await self._app(scope, receive, send)
                return
            path = _UUID.sub("{id}", scope["path"]).removeprefix("/api/v1")
            _step.set(f"{scope['method']} {path}")

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    at("end")
                await send(message)

            at("begin")
            await self._app(scope, receive, sending)

    class Config(uvicorn.Config):
        def __init__(self, app: Any, **options: Any) -> None:
            super().__init__(Door(app), **options)

    uvicorn.Config = Config  # type: ignore[misc, assignment]
