"""The activities as workflows see them: names and types. The implementations in `activities` have the same names and a test compares
each pair; calling a port itself is a mistake, so each one says so.

Ports exist because the API starts workflows by typed reference, and importing activity code would pull model, PDF and payment
libraries into the front door.
"""

from typing import NoReturn

from temporalio import activity

from ingestio.domain.messages import (
    AccountErased,
    BatchRef,
    BatchSettled,
    BulkSeen,
    Classified,
    DeliveryEnding,
    DeliveryOutcome,
    DeliveryRef,
    DocumentOutcome,
    ExportEnding,
    ExportOutcome,
    ExportRef,
    Extracted,
    JobEnding,
    JobRequest,
    JobsCancelled,
    ManifestPage,
    ManifestRequest,
    MergeWanted,
    PartRead,
    PartsMerged,
    PartsPlanned,
    PartsWanted,
    PartWanted,
    PauseWish,
    PromptResolved,
    QuotaConfirmed,
    StripeEventRef,
    UserRef,
    WorkEnded,
)


def _port() -> NoReturn:
    raise RuntimeError("a port is a name for an activity; the worker registers the implementation")


@activity.defn
async def read_manifest(request: ManifestRequest) -> ManifestPage:
    """Live jobs of a batch in document order, and the operator's present wishes. Read only."""
    _port()


@activity.defn
async def settle_batch(request: BatchRef) -> BatchSettled:
    """Recount a batch from its documents and give it its final status, unless jobs are open. Safe to repeat."""
    _port()


@activity.defn
async def request_cancel(request: BatchRef) -> None:
    """Commit the wish to cancel a batch, as when somebody cancels its run in the Temporal UI. Safe to repeat."""
    _port()


@activity.defn
async def request_paused(request: PauseWish) -> None:
    """Commit the wish to pause a batch or to go on, as when somebody signals its run in the Temporal UI. Safe to repeat."""
    _port()


@activity.defn
async def cancel_jobs(request: BatchRef) -> JobsCancelled:
    """End every live job of a batch as cancelled and release its pages; answers which of them ran. Safe to repeat."""
    _port()


@activity.defn
async def confirm_quota(request: JobRequest) -> QuotaConfirmed:
    """Confirm the job's reservation by job id, or reserve anew, move job and document to `processing` and settle the prompt, all in one
    transaction. Fails with `prompt_missing`. Safe to repeat."""
    _port()


@activity.defn
async def resolve_prompt(request: JobRequest) -> PromptResolved:
    """Settle which prompt the job uses and save it on job and document, where an earlier version confirmed without doing so. Fails with
    `prompt_missing`. Safe to repeat."""
    _port()


@activity.defn
async def classify_document(request: JobRequest) -> Classified:
    """Find the document's type and save the type's default prompt on job and document. Safe to repeat."""
    _port()


@activity.defn
async def extract_document(request: JobRequest) -> Extracted:
    """Have the provider read the document, put its answer into storage under the job's key and commit it: result, charge and end of the
    job in one transaction. Safe to repeat.
    """
    _port()


@activity.defn
async def plan_parts(request: PartsWanted) -> PartsPlanned:
    """Choose the windows in which a long document is read, and keep the choice in storage under the job's key. Safe to repeat."""
    _port()


@activity.defn
async def read_part(request: PartWanted) -> PartRead:
    """Have the provider read one window and put its raw answer into storage. Safe to repeat: what is stored is not asked for again."""
    _port()


@activity.defn
async def merge_parts(request: MergeWanted) -> PartsMerged:
    """Make one answer of all windows' and put it where `extract_document` would have. Safe to repeat."""
    _port()


@activity.defn
async def send_to_bulk(request: JobRequest) -> BulkSeen:
    """Have the bulk lane read the document later. Safe to repeat: what was sent is found, not sent again."""
    _port()


@activity.defn
async def look_at_bulk(request: JobRequest) -> BulkSeen:
    """Whether the bulk lane has read the document; then its answer is put where `extract_document` would have. Safe to repeat."""
    _port()


@activity.defn
async def give_up_bulk(request: JobRequest) -> None:
    """End what the bulk lane has not read yet, and delete what it was sent. Safe to repeat."""
    _port()


@activity.defn
async def commit_result(request: JobRequest) -> DocumentOutcome:
    """Save the stored answer, charge the pages and end the job, in one transaction. Safe to repeat: charges once."""
    _port()


@activity.defn
async def end_without_result(request: JobEnding) -> DocumentOutcome:
    """Release the pages and end the job as failed or cancelled, in one transaction. Never overwrites an earlier end."""
    _port()


@activity.defn
async def write_export(request: ExportRef) -> ExportOutcome:
    """Gather an export's documents, write the file into storage and complete the export. Safe to repeat: it begins anew."""
    _port()


@activity.defn
async def end_export(request: ExportEnding) -> ExportOutcome:
    """End an export without a file, as failed or cancelled. Never overwrites an earlier end."""
    _port()


@activity.defn
async def deliver_webhook(request: DeliveryRef) -> DeliveryOutcome:
    """Make one attempt at a delivery and write down what came back. Safe to repeat: receivers know a message by its id."""
    _port()


@activity.defn
async def end_delivery(request: DeliveryEnding) -> DeliveryOutcome:
    """End a delivery without another attempt. Never overwrites an earlier end."""
    _port()


@activity.defn
async def reconcile() -> int:
    """Start what is committed and not running, repair what disagrees; answers how many repairs were made."""
    _port()


@activity.defn
async def end_work_of_user(request: UserRef) -> WorkEnded:
    """Cancel every open batch and lone document of a user and wait, within a bound, until all have ended. Safe to repeat."""
    _port()


@activity.defn
async def erase_account(request: UserRef) -> AccountErased:
    """Delete every row and object of a user whose account is closed, and forget the id; the ledger keeps its lines. Safe to repeat."""
    _port()


@activity.defn
async def apply_stripe_event(request: StripeEventRef) -> None:
    """Read from Stripe what an event in the inbox is about and make the account the same. Safe to repeat, in any order."""
    _port()
