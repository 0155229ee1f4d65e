"""Metrics of the whole installation, for a scraper."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.deps import DoorDep
from api.schemas.problems import problems
from ingestio import counting

router = APIRouter(tags=["health"])

_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
_METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


@router.get("/metrics", response_class=Response, responses=_METRICS | problems(503))
async def read_metrics(door: DoorDep) -> Response:
    """What all processes counted, in Prometheus' text format: figures of the service, none of any user."""
    return Response(await counting.shown(door.deps.engine), media_type=_FORMAT)
