"""`ingestio doctor`: does everything answer, and does everything hold that must hold?"""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta

import click
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.repairs.base import GRACE, Ground
from activities.repairs.registry import all_repairs
from ingestio.bootstrap import open_object_store, utc_now
from ingestio.cli import checks
from ingestio.cli.checks import Check
from ingestio.cli.findings import look
from ingestio.cli.terminal import harmless, out
from ingestio.config import Settings
from ingestio.embedded.instance import RunningInfo, running
from ingestio.errors import ConfigurationError, Unavailable
from ingestio.observability import configure_logging
from ingestio.storage.objects import ObjectStore
from ingestio.temporal import ensure_search_attributes


def run(settings: Settings, *, fix: bool, as_json: bool) -> int:
    """Look at everything, print it, and answer 0 when healthy, 1 with findings. `fix` repairs what can be."""
    configure_logging("error")
    return report(asyncio.run(examine(settings, fix=fix)), as_json=as_json)


def report(found: Sequence[Check], *, as_json: bool) -> int:
    """Print checks and answer the exit code that they mean."""
    if as_json:
        click.echo(json.dumps([_as_object(each) for each in found], indent=1))
    else:
        _show(found)
    return 0 if all(each.healthy for each in found) else 1


async def examine(settings: Settings, *, fix: bool = False, grace: timedelta = GRACE) -> list[Check]:
    """Every check that can be made now. Work that moved within `grace` may be about to start by itself."""
    found = [checks.configuration(settings), checks.data_directory(settings), checks.disk(settings)]
    instance = running(settings.data_dir)
    embeds = settings.embeds_postgres or settings.embeds_temporal
    if instance is None and embeds:
        found.append(
            Check("service", False, f"nothing runs on {settings.data_dir.resolve()}; start it with `ingestio up`")
        )
    elif instance is not None:
        found.append(Check("service", True, f"process {instance.pid}"))
    if settings.storage_url is not None or settings.data_dir.exists():  # a look must not make the folder
        found.append(await checks.storage(settings))
    if instance is not None and instance.api_url is None:
        found.append(Check("api", False, "not ready yet"))
    elif instance is not None or not embeds:
        found.append(await checks.api(settings.public_url if instance is None else instance.api_url))
    found.extend(await _servers(settings, instance, fix=fix, grace=grace))
    return found


async def _servers(settings: Settings, instance: RunningInfo | None, *, fix: bool, grace: timedelta) -> list[Check]:
    database_url = settings.database_url or (instance.endpoints.database_url if instance else None)
    address = settings.temporal_address or (instance.endpoints.temporal_address if instance else None)
    found: list[Check] = []
    client = None
    if address:
        client, said = await checks.temporal(address, settings.temporal_namespace)
        found.extend(said)
    if not database_url:
        return found
    async with checks.opened_database(database_url) as engine:
        said = await checks.database(engine, None if settings.database_url is None else "INGESTIO_DATABASE_URL")
        found.extend(said)
        if not all(each.healthy for each in said):
            return found
        found.append(checks.login(database_url))
        try:
            ground = await _ground(settings, engine, client, fix=fix, grace=grace)
            found.extend(await look(all_repairs(ground), fix=fix))
            found.append(await checks.stripe_events(engine, ground.clock(), grace))
            # Last, so that with `fix` they say what is left.
            found.extend(await checks.invariants(engine))
        except Unavailable as error:
            found.append(Check("invariants", False, f"could not be looked at: {error.detail}"))
    return found


async def _ground(
    settings: Settings, engine: AsyncEngine, client: Client | None, *, fix: bool, grace: timedelta
) -> Ground:
    # Looking changes nothing: no folder is made, and nothing is registered with the workflow server.
    tagged = fix and client is not None and await ensure_search_attributes(client)
    return Ground(engine, utc_now, _store(settings), client, tagged, grace)


def _store(settings: Settings) -> ObjectStore | None:
    if settings.storage_url is None and not settings.data_dir.exists():
        return None
    try:
        return open_object_store(settings)
    except ConfigurationError:
        return None  # the look at the storage says so


def _as_object(each: Check) -> dict[str, str]:
    return {"check": each.check, "status": "ok" if each.healthy else "finding", "detail": each.detail}


def _show(found: Sequence[Check]) -> None:
    console = out()
    width = max(len(each.check) for each in found)
    for each in found:
        line = Text("ok       " if each.healthy else "finding  ", style="green" if each.healthy else "bold red")
        line.append(f"{each.check:<{width}}  {harmless(each.detail)}", "not bold default")
        console.print(line, soft_wrap=True)
    findings = sum(not each.healthy for each in found)
    console.print()
    console.print("healthy" if not findings else f"{findings} finding{'s' if findings > 1 else ''}", style="bold")
