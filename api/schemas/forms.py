"""Request bodies that routes read by themselves, as OpenAPI describes them."""

from typing import Any

from pydantic import BaseModel

from api.schemas.batches import DraftPatch, NewDraft
from ingestio.domain.batches import PromptStrategy

_REFERENCE = "#/components/schemas/{model}"
_BINARY = {"type": "string", "format": "binary"}

_ONE_SHOT_FORM = {
    "type": "object",
    "required": ["files"],
    "additionalProperties": False,
    "properties": {
        "files": {"type": "array", "items": _BINARY, "minItems": 1},
        "name": {"type": "string", "maxLength": 200},
        "prompt_strategy": {
            "type": "string",
            "enum": [strategy.value for strategy in PromptStrategy],
            "default": PromptStrategy.GLOBAL.value,
        },
        "global_prompt": {"type": "string", "maxLength": 20_000},
        "per_document_prompts": {
            "type": "string",
            "description": "JSON: an array in file order, or an object keyed by position from 0 or by unambiguous file name. "
            "Under the global strategy they are checked, and the global prompt is used.",
        },
        "all_or_nothing": {"type": "string", "enum": ["true", "false"], "default": "false"},
    },
}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


ONE_SHOT: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": _ONE_SHOT_FORM},
        "application/json": {"schema": _reference(NewDraft)},
    },
}
"""POST /batches: files with their fields in any order, or a draft."""

ONE_FILE: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "additionalProperties": False,
                "properties": {"file": _BINARY},
            }
        }
    },
}

RAW_FILE: dict[str, Any] = {"required": True, "content": {"application/octet-stream": {"schema": _BINARY}}}

PATCH_OF_A_DRAFT: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": _reference(DraftPatch)}},
}


def schemas() -> dict[str, Any]:
    """What these descriptions refer to, by name."""
    found: dict[str, Any] = {}
    for model in (NewDraft, DraftPatch):
        described = model.model_json_schema(ref_template=_REFERENCE)
        found |= described.pop("$defs", {})
        found[model.__name__] = described
    return found
