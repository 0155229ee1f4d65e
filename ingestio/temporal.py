"""The connection to Temporal, as its own environment configuration names it, and the search attributes that operators filter by."""

import asyncio
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from ingestio.domain.runs import SEARCH_ATTRIBUTES
from ingestio.errors import ConfigurationError, Unavailable

RPC_TIMEOUT = timedelta(seconds=5)


async def connect(address: str | None, namespace: str, *, lazy: bool = False) -> Client:
    """A client for `address`; key and TLS come from TEMPORAL_API_KEY and the TEMPORAL_TLS_* variables.

    `lazy` puts the connection off to the first call, so that the front door starts, and answers, while Temporal is away.
    Raises Unavailable when the server cannot be reached, ConfigurationError when the TEMPORAL_* variables cannot be read.
    """
    try:
        config = ClientConfig.load_client_connect_config()
    except (ValueError, OSError, RuntimeError) as error:
        raise ConfigurationError(f"TEMPORAL_ADDRESS and the other TEMPORAL_* variables: {error}") from None
    config["target_host"] = address or config.get("target_host") or "127.0.0.1:7233"
    config["namespace"] = namespace
    try:
        return await Client.connect(**config, lazy=lazy)
    except RuntimeError as error:
        raise Unavailable(f"Temporal at {config['target_host']} cannot be reached.") from error


async def connect_patiently(address: str | None, namespace: str, *, attempts: int = 30) -> Client:
    """The same, trying for about `attempts` seconds: servers that start together come up in any order."""
    for attempt in range(attempts):
        try:
            return await connect(address, namespace)
        except Unavailable:
            if attempt == attempts - 1:
                raise
            await asyncio.sleep(1)
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
