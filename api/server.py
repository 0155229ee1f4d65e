"""Serving: the address is taken first, so that a wrong one is one clear line; then uvicorn runs until SIGTERM."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.deps import FrontDoor
from api.heads import PromptHeads
from ingestio import tracing
from ingestio.bootstrap import front_door
from ingestio.config import Settings
from ingestio.errors import ConfigurationError
from ingestio.temporal import connect

logger = logging.getLogger("ingestio.api")

# After SIGTERM running requests get this long to finish; what is left then is answered with 503. Uploads decide the length.
DRAIN_SECONDS = 8
_KEEP_ALIVE_SECONDS = 30
_BACKLOG = 2048


def serve(settings: Settings, await_servers: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT; `await_servers` is called when everything is ready to answer, and returns when it may.

    Raises ConfigurationError when the address cannot be had or a setting is wrong.
    """
    listening = bind(settings.host, settings.port)
    tracing.start(settings.otlp_endpoint, "ingestio-api")
    try:
        asyncio.run(_try_out(settings))
        app = create_app(settings)
        config = uvicorn.Config(
            app,
            # Our own line per request replaces the access log, our own logging its configuration.
            access_log=False,
            log_config=None,
            lifespan="on",
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            http=PromptHeads,
            # There is no socket to upgrade to; who asks is answered as if they had not.
            ws="none",
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        await_servers()
        logger.info("listening", extra={"host": settings.host, "port": listening.getsockname()[1]})
        _Server(config, app).run(sockets=[listening])
    finally:
        listening.close()
        tracing.stop()


class _Server(uvicorn.Server):
    """uvicorn, whose stop is an ordinary end: open streams are told to end, and the process exits 0 instead of by the signal's name."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn calls it
        # uvicorn's own also remembers the signal and raises it again after the drain.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        door: FrontDoor = self._app.state.front_door
        door.closing.set()
        await super().shutdown(sockets)


async def _try_out(settings: Settings) -> None:
    """Open and close what the application runs on: inside the server a wrong setting would be a stack trace instead of a line."""
    async with front_door(settings):
        await connect(settings.temporal_address, settings.temporal_namespace, lazy=True)


def bind(host: str, port: int) -> socket.socket:
    """A socket on this address, port 0 for any free one; nobody is answered yet. Raises ConfigurationError that names the setting."""
    wanted = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, wanted, socket.SOCK_STREAM)[0]
        # With the protocol left at 0 asyncio does not recognise TCP and leaves Nagle's algorithm on: 40 ms more for each answer.
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(f"INGESTIO_HOST: {host} is no address to listen on: {error.strerror}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"INGESTIO_HOST, INGESTIO_PORT or --port: cannot listen on {host}:{port}: {error.strerror}"
        ) from None
    return listening
