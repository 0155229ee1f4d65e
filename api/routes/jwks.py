"""The local issuer's public key, so that anything else on this machine can verify its tokens too (R32)."""

from typing import Any

from fastapi import APIRouter

from api.deps import DoorDep
from ingestio.errors import NotFound

router = APIRouter(tags=["sign-in"])


@router.get("/.well-known/jwks.json")
async def read_jwks(door: DoorDep) -> dict[str, Any]:
    """The key set of local mode."""
    if door.deps.issuer is None:
        raise NotFound("There is nothing at this address.")
    return door.deps.issuer.jwks()
