"""What every 4xx and 5xx looks like (RFC 9457)."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class FieldProblem(BaseModel):
    """One wrong input."""

    field: str = Field(description="A field's name, or a path such as `prompts.<client id>`.")
    message: str


class Problem(BaseModel):
    """A problem detail. Some codes add members: `current` with invalid_transition and revision_conflict, `batch_id` with quota_exceeded,
    `parts` on /readyz.

    When a limit of the plan stood in the way, `limit` says which: `name` as in `GET /plans`, its `value`, whose `plan` it is, and the
    smallest plan by which it is `lifted_by` (null: none).
    """

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; what programs decide by.")
    trace_id: str = Field(description="Also in the X-Trace-Id header and on every line of the log.")
    errors: list[FieldProblem] | None = Field(None, description="With 422: each wrong input.")


MEDIA_TYPE = "application/problem+json"
_REFERENCE = f"#/components/schemas/{Problem.__name__}"
_MEANINGS = {
    401: "`unauthenticated`",
    402: "`quota_exceeded`",
    403: "`upgrade_required`, `subscription_inactive`, `insufficient_scope` for an API key that was not made for this, or "
    "`foreign_request` for a cookie's write without form token or from another origin",
    404: "`not_found`, also for another user's id",
    408: "`request_timeout`: the body stopped coming",
    409: "`invalid_transition`, `idempotency_conflict`, `revision_conflict` or `result_not_ready`",
    413: "`file_too_large`, `batch_too_large` or `request_too_large`",
    415: "`unsupported_type`",
    421: "`misdirected_host`",
    422: "`invalid_request`, or a narrower code such as `prompt_missing` or `corrupt`",
    429: "`rate_limited`, with Retry-After",
    500: "`internal`",
    503: "`unavailable`, with Retry-After",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented errors of a route, beside those that every route has.

    They name the schema, which `api.openapi` adds, and not the class: of that the framework would make a serializer for each status of
    each route, 700 of them at the start, and use none.
    """
    return {
        status: {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE}}}}
        for status in statuses
    }


def schemas() -> dict[str, Any]:
    """What those references name."""
    schema = Problem.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), Problem.__name__: schema}


EVERYWHERE = problems(421, 500, 503)
SIGNED_IN = problems(401, 403, 422, 429)
