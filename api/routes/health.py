"""Health: whether this process lives, and whether it can work."""

import asyncio
import logging
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import text
from starlette.responses import Response

from api.deps import DoorDep, FrontDoor
from api.errors import describe, problem, trace_id_of
from api.schemas.problems import problems
from ingestio.db.session import service_session

logger = logging.getLogger("ingestio.api")

router = APIRouter(tags=["health"])

PART_TIMEOUT = timedelta(seconds=2)


class Health(BaseModel):
    """The process lives."""

    status: str = "ok"


class Readiness(BaseModel):
    """Every part that a batch needs answers."""

    status: str = "ready"
    parts: dict[str, str]


@router.get("/healthz")
async def healthz() -> Health:
    """Whether the process lives; asks nobody else."""
    return Health()


@router.get("/readyz", response_model=Readiness, responses=problems(503))
async def readyz(request: Request, door: DoorDep) -> Any:
    """Whether database, workflow server and storage answer, each within two seconds."""
    checks = {
        "database": _database(door),
        "temporal": door.runs.check(PART_TIMEOUT),
        "storage": door.deps.store.check(),
    }
    answers = await asyncio.gather(*(_state(name, check) for name, check in checks.items()))
    parts = dict(zip(checks, answers, strict=True))
    if all(state == "ok" for state in parts.values()):
        return Readiness(parts=parts)
    return _unready(request, parts)


def _unready(request: Request, parts: dict[str, str]) -> Response:
    away = ", ".join(name for name, state in parts.items() if state != "ok")
    return problem(
        503,
        "unavailable",
        "Temporarily unavailable",
        f"Not reachable now: {away}.",
        trace_id=trace_id_of(request),
        headers={"Retry-After": "5"},
        parts=parts,
    )


async def _state(name: str, check: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(PART_TIMEOUT.total_seconds()):
            await check
    except Exception as error:  # noqa: BLE001  # whatever ails a part, the answer is that it is away
        logger.warning("not ready: %s", name, extra={"cause": describe(error)})
        return "unavailable"
    return "ok"


async def _database(door: FrontDoor) -> None:
    async with service_session(door.deps.engine) as session:
        await session.execute(text("SELECT 1"))
