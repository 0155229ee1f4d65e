"""Bodies that a route reads by itself, because one address takes more than one kind."""

from typing import TypeVar

from fastapi import HTTPException, Request
from pydantic import BaseModel, ValidationError

from api.errors import invalid_request

Model = TypeVar("Model", bound=BaseModel)

JSON = "application/json"
MULTIPART = "multipart/form-data"


def media_type(request: Request) -> str:
    """The body's type without its parameters, in lower case; "" when the request does not say."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def json_body(request: Request, model: type[Model]) -> Model:
    """The body as `model`. Raises InvalidRequest."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False, include_context=False)) from None


def require(kind: str, request: Request) -> None:
    """Raises 415 unless the body is of this type."""
    if media_type(request) != kind:
        raise HTTPException(415, f"Send {kind}.")
