"""Serving: the address is taken first, so that a wrong one is one clear line; then uvicorn runs until SIGTERM."""

import asyncio
import logging
import socket

import uvicorn

from api.app import create_app
from ingestio.bootstrap import front_door
from ingestio.config import Settings
from ingestio.errors import ConfigurationError
from ingestio.temporal import connect

logger = logging.getLogger("ingestio.api")

# Open streams must not keep a stopping process alive; whoever reads one reconnects elsewhere.
GRACEFUL_SHUTDOWN_SECONDS = 3
_KEEP_ALIVE_SECONDS = 30
_BACKLOG = 2048


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigurationError when the address cannot be had or a setting is wrong."""
    listening = bind(settings.host, settings.port)
    try:
        asyncio.run(_try_out(settings))
        config = uvicorn.Config(
            create_app(settings),
            # Our own line per request replaces the access log, our own logging its configuration.
            access_log=False,
            log_config=None,
            lifespan="on",
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        )
        logger.info("listening", extra={"host": settings.host, "port": listening.getsockname()[1]})
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        listening.close()


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
