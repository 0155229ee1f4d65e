"""Taking a result over: the same bytes, asked the same by the same user, answered by the same model, cost nothing again (R83).

Only a document by itself does so: what a batch costs was quoted page by page before it was submitted, and is exactly that.
"""

import dataclasses
import hashlib
import json

from ingestio.bootstrap import WorkerDeps
from ingestio.db import steps
from ingestio.db.session import service_connection
from ingestio.db.steps import Work
from ingestio.domain.fields import ModelUsage
from ingestio.domain.messages import JobRequest
from ingestio.errors import ObjectMissing
from ingestio.extraction.base import Provider
from ingestio.extraction.schemas import DOCUMENT_TYPES
from ingestio.storage.keys import extraction_key


def reuse_key(work: Work, provider: Provider) -> str:
    """Equal for two jobs whose answers are interchangeable."""
    asked = {
        "bytes": work.sha256,
        "prompt": work.prompt,
        "custom_instructions": work.options.get("custom_instructions"),
        "document_type": work.document_type,
        # Of all types: with a prompt of the user's own the answer itself says which one it was.
        "schemas": {name: kind.schema_version for name, kind in DOCUMENT_TYPES.items()},
        "provider": provider.name,
        "model": provider.model,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


async def taken_over(deps: WorkerDeps, job: JobRequest, work: Work) -> bytes | None:
    """Puts an earlier answer to the same question where this job's would lie; None when there is none, or none is wanted.

    What is copied is the machine's answer as it was stored: corrections that a person made belong to the document they were made on.
    """
    if not work.options.get("reuse", work.strategy is None):
        return None
    async with service_connection(deps.engine) as connection:
        source = await steps.reusable(connection, job.user_id, reuse_key(work, deps.provider))
    if source is None:
        return None
    try:
        answer = json.loads(await deps.store.get_bytes(extraction_key(job.user_id, source.job_id), job.user_id))
    except ObjectMissing:
        return None
    answer |= {"reused_from": str(source.document_id), **dataclasses.asdict(ModelUsage(estimated_cost="0"))}
    content = json.dumps(answer, ensure_ascii=False).encode()
    await deps.store.put_bytes(extraction_key(job.user_id, job.job_id), job.user_id, content)
    return content
