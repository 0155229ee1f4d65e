"""The books and the store after a round: what must hold whatever happened."""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterable
from typing import Any, cast

import obstore
import psycopg
from obstore.store import S3Store
from temporalio.client import Client

from ingestio.db.invariants import queries
from ingestio.storage.keys import extraction_key, original_key
from tests.chaos.site import PREFIX, Site
from tests.storage.s3_server import BUCKET

LATE_SECONDS = 40.0
"""An orphan of a run may take so long to find that its work is done: a heartbeat, a task and a retry."""


def broken_invariants(connection: psycopg.Connection[Any]) -> list[str]:
    """Every row that an invariant does not allow."""
    return [
        f"{name}: {row}" for name, query in queries().items() for row in connection.execute(query.encode()).fetchall()
    ]


def wrong_books(connection: psycopg.Connection[Any], user_id: str) -> list[str]:
    """Usage against documents: charged are the pages of the completed ones, once, and nothing is reserved."""
    [(charged, reserved)] = connection.execute(
        "SELECT coalesce(sum(pages_processed), 0), coalesce(sum(pages_reserved), 0) FROM user_usage WHERE user_id = %s",
        [user_id],
    ).fetchall()
    [(pages, completed)] = connection.execute(
        "SELECT coalesce(sum(page_count), 0), count(*) FROM documents WHERE user_id = %s AND status = 'completed'",
        [user_id],
    ).fetchall()
    [(results,)] = connection.execute("SELECT count(*) FROM extracted_data WHERE user_id = %s", [user_id]).fetchall()
    found = []
    if charged != pages:
        found.append(f"{user_id}: {charged} pages charged for {pages} of completed documents")
    if reserved:
        found.append(f"{user_id}: {reserved} pages stay reserved")
    if results != completed:
        found.append(f"{user_id}: {results} results of {completed} completed documents")
    return found


def wrong_objects(site: Site, connection: psycopg.Connection[Any], user_ids: Iterable[str]) -> tuple[list[str], int]:
    """The store against the rows of these users; and how many originals have no row.

    Those are left behind when a front door dies between the write of an object and the commit of its row; a sweep removes them later, so
    they are counted and no violation. Everything else that is missing, changed or unexpected is one.
    """
    store = S3Store(
        BUCKET,
        prefix=PREFIX,
        config=cast("Any", site.storage_options),
        client_options={"allow_http": True},
    )
    known = {row[0] for row in connection.execute("SELECT user_id FROM profiles").fetchall()}
    folders = {str(path).strip("/") for path in obstore.list_with_delimiter(store)["common_prefixes"]}
    found = [f"objects of nobody below {folder}" for folder in sorted(folders - known)]
    orphans = 0
    for user_id in user_ids:
        stored = {item["path"]: item["size"] for page in obstore.list(store, user_id) for item in page}
        documents = connection.execute(
            "SELECT id, storage_path, file_size, sha256 FROM documents WHERE user_id = %s", [user_id]
        ).fetchall()
        for document_id, path, size, sha256 in documents:
            if path != original_key(user_id, document_id):
                found.append(f"document {document_id} claims to lie at {path}")
            if stored.pop(path, None) != size:
                found.append(f"the original of document {document_id} is missing or has another size")
            elif hashlib.sha256(obstore.get(store, path).bytes()).hexdigest() != sha256:
                found.append(f"the original of document {document_id} has other bytes")
        jobs = connection.execute("SELECT id, status FROM extraction_jobs WHERE user_id = %s", [user_id]).fetchall()
        for job_id, status in jobs:
            key = extraction_key(user_id, job_id)
            there = stored.pop(key, None) is not None
            if there:
                json.loads(bytes(obstore.get(store, key).bytes()))
            elif status == "completed":
                found.append(f"job {job_id} is completed and has no answer in the store")
        orphans += sum(key.endswith("/original") for key in stored)
        found.extend(f"unexpected object {key}" for key in stored if not key.endswith("/original"))
    return found, orphans


def open_runs(site: Site, batch_ids: Iterable[str], document_ids: Iterable[str]) -> list[str]:
    """Runs of these batches and documents that do not end although their work is done; asked for a while before it counts."""
    wanted = {f"batch/{batch_id}" for batch_id in batch_ids}
    documents = {str(document_id) for document_id in document_ids}

    async def still_open() -> list[str]:
        client = await Client.connect(site.temporal_address)
        running = [run.id async for run in client.list_workflows("ExecutionStatus = 'Running'")]
        return [name for name in running if name in wanted or _document_of(name) in documents]

    deadline = time.monotonic() + LATE_SECONDS
    while (found := asyncio.run(still_open())) and time.monotonic() < deadline:
        time.sleep(0.5)
    return [f"{name} is still running" for name in found]


def _document_of(workflow_id: str) -> str:
    return workflow_id.split("/")[1] if workflow_id.startswith("document/") else ""
