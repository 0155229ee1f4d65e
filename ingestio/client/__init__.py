"""A typed client of the HTTP contract, blocking or awaited.

    with Ingestio("http://127.0.0.1:8000", token) as client:
        batch = client.batches.submit(["invoice.pdf"], prompt="Extract the invoice number and the total")
        batch = client.batches.wait(batch.id)
        for document in client.batches.documents(batch.id):
            print(document.filename, document.status, document.error)
        client.exports.save("results.xlsx", batch_id=batch.id)

Files are streamed, lists are iterators that fetch page by page, answers are models of `ingestio.client.models`. Every call has limits
of time; what may be repeated is repeated while the service is away or busy. Whatever goes wrong is an `IngestioError`: what the service
refuses an `ApiError`, and `errors` draws the rest.
"""

from ingestio.client.aio import AsyncIngestio
from ingestio.client.errors import ApiError, InvalidSignature, StillRunning
from ingestio.client.sync import Ingestio
from ingestio.client.uploads import File
from ingestio.client.webhooks import read_webhook
from ingestio.errors import IngestioError, InvalidRequest, Unavailable

__all__ = [
    "ApiError",
    "AsyncIngestio",
    "File",
    "Ingestio",
    "IngestioError",
    "InvalidRequest",
    "InvalidSignature",
    "StillRunning",
    "Unavailable",
    "read_webhook",
]
