"""`ingestio batches`: look at batches of a running service and steer them."""

from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

from ingestio.cli.orders import as_local_owner
from ingestio.cli.service import Service, require_service
from ingestio.cli.tables import columns, say_run, status_text
from ingestio.cli.terminal import harmless, out
from ingestio.client.models import Batch
from ingestio.config import Settings
from ingestio.errors import InvalidRequest


def show_list(settings: Settings, status: str | None, limit: int) -> None:
    """Print the newest batches, at most `limit`, only those in `status` when it is given."""
    lines = []
    with as_local_owner(settings, require_service(settings)) as client:
        for batch in client.batches.list(status=status):
            lines.append(_list_line(batch))
            if len(lines) == limit:
                break
    if not lines:
        out().print("no batches" if status is None else f"no batches that are {harmless(status)}")
        return
    columns(out(), ("Batch", "Created (UTC)", "Status", "Files", "Done", "Failed", "Pages", "Name"), lines)


def show_one(settings: Settings, batch_id: str) -> None:
    """Print one batch: its state, where Temporal shows its run, its documents in order and its refused files."""
    service = require_service(settings)
    with as_local_owner(settings, service) as client:
        batch = client.batches.get(_checked(batch_id))
        documents = sorted(client.batches.documents(batch.id), key=lambda document: document.position)
    console = out()
    _say_state(batch, service)
    if documents or batch.refused_files:
        console.print()
        done = [
            (
                document.filename,
                (document.document_type or "").replace("_", " "),
                str(document.page_count),
                document.status.replace("_", " "),
                document.error.code if document.error else "",
                document.id,
            )
            for document in documents
        ]
        refused = [(file.filename, "", "", "refused", file.code, "") for file in batch.refused_files]
        columns(console, ("File", "Type", "Pages", "Status", "Reason", "Document"), [*done, *refused])


def act_on(settings: Settings, batch_id: str, action: str, prompt: str | None = None) -> None:
    """Cancel, pause, resume or retry (with another prompt, if given) a batch, and print how it stands then."""
    service = require_service(settings)
    with as_local_owner(settings, service) as client:
        acts: Mapping[str, Callable[[str], Batch]] = {
            "cancel": client.batches.cancel,
            "pause": client.batches.pause,
            "resume": client.batches.resume,
            "retry": partial(client.batches.retry, prompt=prompt),
        }
        _say_state(acts[action](_checked(batch_id)), service)


def _checked(batch_id: str) -> str:
    # The service would say that there is no such batch, and not where to find those that there are.
    try:
        return str(UUID(batch_id))
    except ValueError:
        raise InvalidRequest(f"{harmless(batch_id)!r} is no batch id; `ingestio batches list` shows them") from None


def _list_line(batch: Batch) -> tuple[str, ...]:
    files = batch.document_count + len(batch.refused_files)
    return (
        batch.id,
        f"{batch.created_at:%Y-%m-%d %H:%M}",
        _status(batch),
        str(files),
        str(batch.completed_count),
        str(batch.failed_count),
        str(batch.total_pages),
        batch.name or "",
    )


def _say_state(batch: Batch, service: Service) -> None:
    console = out()
    console.print(f"{batch.id}  {harmless(batch.name or '')}".rstrip(), style="bold", soft_wrap=True)
    line = status_text(_status(batch))
    line.append(
        f", {batch.completed_count} completed, {batch.failed_count} failed, {batch.cancelled_count} cancelled"
        f" of {batch.document_count + len(batch.refused_files)} files, {batch.total_pages} pages"
    )
    console.print(line, soft_wrap=True)
    say_run(console, service, batch)


def _status(batch: Batch) -> str:
    status = batch.status.replace("_", " ")
    return f"{status} (paused)" if batch.paused and not batch.has_ended else status
