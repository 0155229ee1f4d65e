"""What readings of a job cost that gave no answer: the one that does give it counts them too."""

import dataclasses
import json

from ingestio.bootstrap import WorkerDeps
from ingestio.domain.fields import ModelUsage
from ingestio.domain.messages import JobRequest
from ingestio.errors import ObjectMissing
from ingestio.storage.keys import spent_key


async def spent_before(deps: WorkerDeps, job: JobRequest) -> ModelUsage:
    """All of them together."""
    try:
        kept = await deps.store.get_bytes(spent_key(job.user_id, job.job_id), job.user_id)
    except ObjectMissing:
        return ModelUsage()
    return ModelUsage(**json.loads(kept))


async def keep_spent(deps: WorkerDeps, job: JobRequest, usage: ModelUsage) -> None:
    """Replaces what was kept: a step that is repeated counts once."""
    content = json.dumps(dataclasses.asdict(usage)).encode()
    await deps.store.put_bytes(spent_key(job.user_id, job.job_id), job.user_id, content)
