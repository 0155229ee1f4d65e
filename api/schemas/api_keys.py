"""API keys on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.schemas.texts import Name
from ingestio.db.api_keys import ApiKeyRow
from ingestio.domain.api_keys import USUAL_SCOPES, Scope


def _named(name: str) -> str:
    if not name:
        raise ValueError("must not be empty")
    return name


def _some_each_once(scopes: list[Scope]) -> list[Scope]:
    if not scopes:
        raise ValueError("choose at least one")
    return list(dict.fromkeys(scopes))


class NewApiKey(BaseModel):
    """What a key is for."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, AfterValidator(_named)] = Field(description="So that you know it again.")
    scopes: Annotated[list[Scope], AfterValidator(_some_each_once)] = Field(
        list(USUAL_SCOPES),
        max_length=10,
        description="`read` for GET, `write` for everything else, `billing` for what is under /billing. None implies another.",
    )


class ApiKey(BaseModel):
    """A key as lists show it: never the key itself, only how it begins."""

    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    last_used_at: datetime | None = Field(description="Right to the minute; null before the first use.")
    created_at: datetime

    @classmethod
    def of(cls, row: ApiKeyRow) -> "ApiKey":
        return cls(
            id=row.id,
            name=row.name,
            prefix=row.prefix,
            scopes=list(row.scopes),
            last_used_at=row.last_used_at,
            created_at=row.created_at,
        )


class MadeApiKey(ApiKey):
    """A key that was made just now."""

    key: str = Field(description="The whole key. It is not stored and never shown again.")
