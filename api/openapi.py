"""The OpenAPI description, where it must say more than the framework knows."""

from typing import Any

from api.schemas import forms, problems


def describe(schema: dict[str, Any]) -> dict[str, Any]:
    """Add what the described errors and bodies refer to, and drop the framework's own error models, which nothing here answers with."""
    known = schema["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        known.pop(name, None)
    schema["components"]["schemas"] = dict(sorted({**known, **forms.schemas(), **problems.schemas()}.items()))
    return schema
