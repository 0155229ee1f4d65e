"""The OpenAPI description, where it must say more than the framework knows."""

from typing import Any

from api.schemas.problems import schemas


def describe(schema: dict[str, Any]) -> dict[str, Any]:
    """Add what the described errors refer to, and drop the framework's own error models, which nothing here answers with."""
    known = schema["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        known.pop(name, None)
    schema["components"]["schemas"] = dict(sorted({**known, **schemas()}.items()))
    return schema
