"""The OpenAPI description, where it must say more than the framework knows."""

from typing import Any

_PROBLEM = "application/problem+json"


def describe(schema: dict[str, Any]) -> dict[str, Any]:
    """Give every error its real media type, and drop the framework's own error models, which nothing here answers with."""
    for path in schema["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if status.isdigit() and int(status) >= 400 and "application/json" in content:
                    content[_PROBLEM] = content.pop("application/json")
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
    return schema
