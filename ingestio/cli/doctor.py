"""`ingestio doctor`: does everything answer, and does everything hold that must hold?"""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta

import click
from rich.text import Text
from temporalio.service import RPCError

from ingestio.cli import checks
from ingestio.cli.checks import Check
from ingestio.cli.open_runs import GRACE, runs
from ingestio.cli.terminal import harmless, out
from ingestio.config import Settings
from ingestio.embedded.instance import RunningInfo, running
from ingestio.errors import Unavailable
from ingestio.observability import configure_logging


def run(settings: Settings, *, fix: bool, as_json: bool) -> int:
    """Look at everything, print it, and answer 0 when healthy, 1 with findings. `fix` starts committed work that nothing runs."""
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
        said = await checks.database(engine)
        found.extend(said)
        if not all(each.healthy for each in said):
            return found
        found.append(checks.login(database_url))
        try:
            found.extend(await checks.invariants(engine))
            if client is not None:
                found.extend(await runs(engine, client, fix=fix, grace=grace))
        except (Unavailable, RPCError) as error:
            found.append(Check("open runs", False, f"could not be looked at: {error}"))
    return found


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
