"""Keys of programs. People make and end them: a key that could make keys would outlive its own revocation (R34)."""

from uuid import UUID

from fastapi import APIRouter

from api.deps import CallerDep, PersonDep
from api.pagination import Listed, NewestFirst
from api.schemas.api_keys import ApiKey, MadeApiKey, NewApiKey
from api.schemas.problems import problems
from ingestio.db import api_keys
from ingestio.services import privileged

router = APIRouter(prefix="/api-keys", tags=["api keys"])


@router.get("")
async def list_api_keys(caller: CallerDep, page: NewestFirst) -> Listed[ApiKey]:
    """The caller's keys that are good, newest first unless sorted."""
    async with caller.reading() as session:
        found = await api_keys.page(session, caller.user_id, page)
    return Listed(items=[ApiKey.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.post("", status_code=201, responses=problems(404, 408, 413))
async def create_api_key(body: NewApiKey, person: PersonDep) -> MadeApiKey:
    """Make a key. The answer is the only place where it is ever shown."""
    async with person.acting() as session:
        made = await privileged.create_key(
            session, person.user_id, name=body.name, scopes=tuple(body.scopes), now=person.now()
        )
    return MadeApiKey(**ApiKey.of(made.row).model_dump(), key=made.plaintext)


@router.delete("/{key_id}", status_code=204, responses=problems(404))
async def revoke_api_key(key_id: UUID, person: PersonDep) -> None:
    """Revoke a key: the next request that carries it is refused."""
    async with person.acting() as session:
        await privileged.revoke_key(session, person.user_id, key_id, person.now())
