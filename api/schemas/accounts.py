"""What users may say of themselves."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from api.schemas.texts import Name, plain_line

_LONGEST_ADDRESS = 2000


def _https(address: str) -> str:
    if address:
        try:
            parts = urlsplit(address)
            whole = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
        if not whole or " " in address:
            raise ValueError("must be a whole address that begins with https://")
    return address


def _none_if_empty(text: str) -> str | None:
    return text or None


class ProfileChange(BaseModel):
    """Name and picture; an empty one takes it away."""

    model_config = ConfigDict(extra="forbid")

    full_name: Annotated[Name, AfterValidator(_none_if_empty)]
    avatar_url: Annotated[
        str,
        StringConstraints(max_length=_LONGEST_ADDRESS),
        AfterValidator(plain_line),
        AfterValidator(_https),
        AfterValidator(_none_if_empty),
    ]
