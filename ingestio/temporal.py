"""The connection to Temporal, as its own environment configuration names it, and the search attributes that operators filter by."""

import asyncio
import logging
import random
from contextlib import suppress
from datetime import timedelta
from itertools import count

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from ingestio.domain.runs import SEARCH_ATTRIBUTES
from ingestio.errors import ConfigurationError, Unavailable
from ingestio.tracing import temporal_interceptors

logger = logging.getLogger(__name__)

RPC_TIMEOUT = timedelta(seconds=5)
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0


async def connect(address: str | None, namespace: str, *, lazy: bool = False, runtime: Runtime | None = None) -> Client:
    """A client for `address`; key and TLS come from TEMPORAL_API_KEY and the TEMPORAL_TLS_* variables.

    `lazy` puts the connection off to the first call, so that the front door starts, and answers, while Temporal is away. `runtime`: the
    library's own, when not the one that the whole process shares.
    Raises Unavailable when the server cannot be reached, ConfigurationError when the TEMPORAL_* variables cannot be read.
    """
    try:
        config = ClientConfig.load_client_connect_config()
    except (ValueError, OSError, RuntimeError) as error:
        raise ConfigurationError(f"TEMPORAL_ADDRESS and the other TEMPORAL_* variables: {error}") from None
    config["target_host"] = address or config.get("target_host") or "127.0.0.1:7233"
    config["namespace"] = namespace
    try:
        return await Client.connect(**config, lazy=lazy, interceptors=temporal_interceptors(), runtime=runtime)
    except RuntimeError as error:
        raise Unavailable(f"Temporal at {config['target_host']} cannot be reached.") from error


async def connect_patiently(address: str | None, namespace: str, stop: asyncio.Event) -> Client | None:
    """The same, for as long as it takes; None when `stop` is set before. Raises ConfigurationError.

    Servers that start together come up in any order, and a worker that ended because of that would only be started again.
    """
    for attempt in count():
        try:
            async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
                return await connect(address, namespace)
        except (Unavailable, TimeoutError):
            pause = min(FIRST_PAUSE_SECONDS * 2 ** min(attempt, 10), LONGEST_PAUSE_SECONDS)
            logger.warning("Temporal does not answer; trying again in at most %.1f s", pause)
        with suppress(TimeoutError):
            # Jittered, or all workers would come back in the same instant.
            async with asyncio.timeout(pause * random.uniform(0.5, 1)):  # noqa: S311 - spreads load, hides nothing
                await stop.wait()
                return None
    raise AssertionError("unreachable")


async def ensure_search_attributes(client: Client) -> bool:
    """Register our search attributes where the server allows it; False when runs must go without (the search is a convenience).

    The embedded server has them from its start; Temporal Cloud wants them made in its console. False as well while the server is away.
    """
    service = client.operator_service
    try:
        listed = await service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=RPC_TIMEOUT
        )
        missing = [name for name in SEARCH_ATTRIBUTES if name not in listed.custom_attributes]
        if missing:
            keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
            await service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace, search_attributes=dict.fromkeys(missing, keyword)
                ),
                timeout=RPC_TIMEOUT,
            )
    except (RPCError, RuntimeError):  # a lazy client that cannot connect raises the second
        return False
    return True
