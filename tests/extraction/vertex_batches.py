"""Batch jobs of Vertex AI and the bucket that they read and write, beside the Gemini stand-in on one server.

A job waits until somebody looks at it as often as `states` has entries, then succeeds: its requests are answered as the stand-in would
answer the calls, or with the lines of `answers`.
"""

import json
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from tests.extraction.gemini_replies import Reply, generated, json_reply, problem
from tests.extraction.gemini_stand_in import GeminiStandIn, Request

BUCKET = "a-bucket"
_JOBS = re.compile(r"/v1/(projects/a-project/locations/europe-west4/batchPredictionJobs)(/\d+)?(:cancel)?")
_ENDED = {"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED"}


@dataclass
class VertexBatches:
    """`refusals` answer the next attempts to create a job; with `lost` it is created all the same, and only the answer goes astray."""

    gemini: GeminiStandIn
    objects: dict[str, bytes] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    states: deque[str] = field(default_factory=deque)
    answers: deque[dict[str, Any]] = field(default_factory=deque)
    refusals: deque[Reply] = field(default_factory=deque)
    lost: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    """What the jobs were asked."""

    def __call__(self, request: Request) -> Reply | None:
        path = unquote(request.path)
        found = _JOBS.fullmatch(path)
        if found is None:
            in_bucket = path.startswith(f"/{BUCKET}")
            return self._bucket(request, path.removeprefix(f"/{BUCKET}").lstrip("/")) if in_bucket else None
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return problem(401, "UNAUTHENTICATED", "no bearer token")
        if found[3]:
            return self._cancel(f"{found[1]}{found[2]}")
        return self._create(request, found[1]) if request.method == "POST" else self._list(request)

    def _create(self, request: Request, parent: str) -> Reply:
        if self.refusals:
            return self.refusals.popleft()
        job = {**request.json, "name": f"{parent}/{len(self.jobs) + 1}", "state": "JOB_STATE_PENDING"}
        self.jobs.append(job)
        if self.lost:
            self.lost -= 1
            return Reply(drop=True)
        return json_reply(job)

    def _list(self, request: Request) -> Reply:
        wanted = re.fullmatch(r'display_name="([^"]+)"', request.query["filter"])
        assert wanted is not None
        found = [job for job in self.jobs if job["displayName"] == wanted[1]]
        for job in found:
            if job["state"] not in _ENDED:
                job["state"] = self.states.popleft() if self.states else "JOB_STATE_SUCCEEDED"
                if job["state"] == "JOB_STATE_SUCCEEDED":
                    self._answer(job)
        return json_reply({"batchPredictionJobs": found[::-1][: int(request.query["pageSize"])]})

    def _cancel(self, name: str) -> Reply:
        (job,) = (job for job in self.jobs if job["name"] == name)
        job["state"] = "JOB_STATE_CANCELLED"
        return json_reply({})

    def _answer(self, job: dict[str, Any]) -> None:
        (source,) = job["inputConfig"]["gcsSource"]["uris"]
        target = _key(job["outputConfig"]["gcsDestination"]["outputUriPrefix"])
        lines = [json.loads(line) for line in self.objects[_key(source)].splitlines()]
        self.requests.extend(line["request"] for line in lines)
        answered = [self.answers.popleft() if self.answers else self._read(line["request"]) for line in lines]
        written = "".join(json.dumps(line | answer) + "\n" for line, answer in zip(lines, answered, strict=True))
        self.objects[f"{target}/prediction-model-2026-11-28T20:00:00.000000Z/predictions.jsonl"] = written.encode()

    def _read(self, asked: dict[str, Any]) -> dict[str, Any]:
        (file,) = (part["fileData"] for part in asked["contents"][0]["parts"] if "fileData" in part)
        assert _key(file["fileUri"]) in self.objects
        value = self.gemini.good_answer(Request("POST", "", {}, json.dumps(asked).encode()))
        return {"status": "", "response": json.loads(generated(json.dumps(value)).body)}

    def _bucket(self, request: Request, name: str) -> Reply:
        """As much of the XML interface of Cloud Storage as the object store speaks."""
        if not name:
            return self._listing(request.query.get("prefix", ""))
        if request.method == "PUT":
            self.objects[name] = request.body
        elif name not in self.objects:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>", {"content-type": "application/xml"})
        elif request.method == "DELETE":
            del self.objects[name]
            return Reply(204)
        headers = {"etag": '"1"', "last-modified": "Sat, 28 Nov 2026 20:00:00 GMT"}
        return Reply(body=self.objects[name] if request.method == "GET" else b"", headers=headers)

    def _listing(self, prefix: str) -> Reply:
        found = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>2026-11-28T20:00:00.000Z</LastModified>"
            f'<ETag>"1"</ETag><Size>{len(content)}</Size></Contents>'
            for name, content in sorted(self.objects.items())
            if name.startswith(prefix)
        )
        body = f"<ListBucketResult><Name>{BUCKET}</Name>{found}</ListBucketResult>"
        return Reply(body=body.encode(), headers={"content-type": "application/xml"})


def _key(url: str) -> str:
    assert url.startswith(f"gs://{BUCKET}/")
    return url.removeprefix(f"gs://{BUCKET}/")
