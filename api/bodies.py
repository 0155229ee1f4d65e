"""Bodies that a route reads by itself: one address takes more than one kind, or more than is read before it is known who sends it."""

import re
from typing import TypeVar

from fastapi import HTTPException, Request
from pydantic import BaseModel, ValidationError

from api.errors import invalid_request
from ingestio.errors import FieldError, InvalidRequest

Model = TypeVar("Model", bound=BaseModel)

JSON = "application/json"
MULTIPART = "multipart/form-data"
# As the framework takes it where it reads bodies: also `application/merge-patch+json`.
_JSON_OF_A_KIND = re.compile(r"application/(?:[^/]+\+)?json")


def media_type(request: Request) -> str:
    """The body's type without its parameters, in lower case; "" when the request does not say."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def json_body(request: Request, model: type[Model]) -> Model:
    """The body as `model`. Raises InvalidRequest, also for one that is said to be no JSON: then nobody knows what it is."""
    if not _JSON_OF_A_KIND.fullmatch(media_type(request)):
        raise InvalidRequest("The body could not be read.", [FieldError("body", f"send {JSON}")])
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False, include_context=False)) from None


def require_multipart(request: Request) -> None:
    """Raises 415 unless the body is a form with files."""
    if media_type(request) != MULTIPART:
        raise HTTPException(415, f"Send {MULTIPART}.")
