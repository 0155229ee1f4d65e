"""Batch jobs of Vertex AI, by the client of its job service in google-cloud-aiplatform.

Importing this module costs seconds of CPU and a hundred megabytes, so the provider does it in a thread, when the bulk lane is first used.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError
from google.auth.credentials import Credentials
from google.cloud.aiplatform_v1.services.job_service import JobServiceClient
from google.cloud.aiplatform_v1.services.job_service.transports.rest import JobServiceRestTransport
from google.cloud.aiplatform_v1.types import BatchPredictionJob, JobState
from google.protobuf.json_format import ParseError

from ingestio.domain.messages import BulkState
from ingestio.extraction.gemini.calls import Calls, credentials_for
from ingestio.extraction.gemini.failures import from_status, unavailable

T = TypeVar("T")

_UNDER_WAY: Final = frozenset(
    {
        JobState.JOB_STATE_UNSPECIFIED,
        JobState.JOB_STATE_QUEUED,
        JobState.JOB_STATE_PENDING,
        JobState.JOB_STATE_RUNNING,
        JobState.JOB_STATE_PAUSED,
        JobState.JOB_STATE_UPDATING,
    }
)
# Calls at the same time. They have threads of their own: the event loop's few serve storage, which must not wait for a service that hangs.
_CALLS_AT_ONCE: Final = 8
# Locations that are several regions, with addresses of another form.
_MULTI_REGIONS: Final = frozenset({"us", "eu"})


class BatchJobs:
    """The batch jobs of one project in one location. Every call raises ModelError."""

    def __init__(self, *, project: str, location: str, base_url: str | None, calls: Calls) -> None:
        self._parent = f"projects/{project}/locations/{location}"
        self._address = (base_url or _address(location)).rstrip("/")
        self._credentials = credentials_for(base_url)
        self._calls = calls
        self._client: JobServiceClient | None = None
        self._connecting = asyncio.Lock()
        self._threads = ThreadPoolExecutor(_CALLS_AT_ONCE, "vertex-batches")

    async def send(self, name: str, model: str, source_url: str, target_url: str) -> None:
        """Creates a job that reads requests from a file in Cloud Storage and writes their answers below `target_url`."""
        job = BatchPredictionJob(
            display_name=name,
            model=f"publishers/google/models/{model}",
            input_config=BatchPredictionJob.InputConfig(instances_format="jsonl", gcs_source={"uris": [source_url]}),
            output_config=BatchPredictionJob.OutputConfig(
                predictions_format="jsonl", gcs_destination={"output_uri_prefix": target_url}
            ),
        )
        request = {"parent": self._parent, "batch_prediction_job": job}
        await self._call(lambda client, options: client.create_batch_prediction_job(request=request, **options))

    async def exists(self, name: str) -> bool:
        """Whether a job was sent under this name."""
        return await self._newest(name) is not None

    async def state(self, name: str) -> BulkState:
        """What became of the newest job of this name; one that nobody knows any more has ended."""
        job = await self._newest(name)
        if job is not None and job.state in _UNDER_WAY:
            return BulkState.WAITING
        succeeded = job is not None and job.state == JobState.JOB_STATE_SUCCEEDED
        return BulkState.DONE if succeeded else BulkState.ENDED

    async def cancel(self, name: str) -> None:
        """Asks for the end of the newest job of this name; one that has ended, or was never sent, needs none."""
        job = await self._newest(name)
        if job is not None and job.state in _UNDER_WAY:
            request = {"name": job.name}
            await self._call(lambda client, options: client.cancel_batch_prediction_job(request=request, **options))

    async def _newest(self, name: str) -> BatchPredictionJob | None:
        request = {"parent": self._parent, "filter": f'display_name="{name}"', "page_size": 1}
        return await self._call(
            lambda client, options: next(iter(client.list_batch_prediction_jobs(request=request, **options)), None)
        )

    async def close(self) -> None:
        """Closes every connection; the object is of no use afterwards."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            await asyncio.to_thread(self._client.transport.close)

    async def _call(self, call: Callable[[JobServiceClient, dict[str, Any]], T]) -> T:
        """One call, in a thread. The workflow repeats what is worth it, so the library does not."""
        options: dict[str, Any] = {"timeout": self._calls.timeout_seconds, "retry": None}

        async def in_thread() -> T:
            client = await self._connected()
            return await self._in_thread(lambda: _translated(lambda: call(client, options)))

        return await self._calls.timed(in_thread)

    async def _connected(self) -> JobServiceClient:
        async with self._connecting:
            if self._client is None:
                # In a thread: credentials may have to be fetched.
                self._client = await self._in_thread(lambda: _connect(self._address, self._credentials))
            return self._client

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _connect(address: str, credentials: Credentials | None) -> JobServiceClient:
    # Given whole, or else the library looks into the environment for another address.
    return JobServiceClient(transport=JobServiceRestTransport(host=address, credentials=credentials))


def _address(location: str) -> str:
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def _translated(call: Callable[[], T]) -> T:
    """Raises ModelError for what the service answered; what happened on the way there is left to the caller."""
    try:
        return call()
    except GoogleAPICallError as error:
        response = error.response
        failure = from_status(int(error.code or 0), _body(response), None if response is None else response.headers)
    except GoogleAPIError:
        failure = unavailable("The model's service did not answer.")
    except ParseError:
        failure = unavailable("The model's service answered something that is not its protocol.")
    raise failure


def _body(response: Any) -> Any:
    try:
        return None if response is None else response.json()
    except ValueError:
        return None
