"""The activities that a worker offers; worker and tests use the same list."""

from collections.abc import Callable
from typing import Any

from temporalio.client import Client

from activities.accounts import AccountActivities
from activities.batches import BatchActivities
from activities.billing import BillingActivities
from activities.bulk import BulkActivities
from activities.exports import ExportActivities
from activities.extraction import ExtractionActivities
from activities.parts import PartActivities
from activities.prompts import PromptActivities
from activities.quota import QuotaActivities
from activities.upkeep import UpkeepActivities
from activities.usage import UsageActivities
from activities.webhooks import WebhookActivities
from ingestio.bootstrap import WorkerDeps

Activities = list[Callable[..., Any]]


def short_steps(deps: WorkerDeps, client: Client, *, tagged: bool) -> Activities:
    """Database steps; they run inside the worker's workflow tasks (local activities), upkeep, accounts and billing."""
    batches, quota, prompts, usage, accounts = (
        BatchActivities(deps),
        QuotaActivities(deps),
        PromptActivities(deps),
        UsageActivities(deps),
        AccountActivities(deps, client, tagged=tagged),
    )
    return [
        batches.read_manifest,
        batches.request_cancel,
        batches.request_paused,
        batches.cancel_jobs,
        batches.settle_batch,
        quota.confirm_quota,
        prompts.resolve_prompt,
        usage.commit_result,
        usage.end_without_result,
        ExportActivities(deps).end_export,
        WebhookActivities(deps).end_delivery,
        UpkeepActivities(deps, client, tagged=tagged).reconcile,
        accounts.end_work_of_user,
        accounts.erase_account,
        BillingActivities(deps).apply_stripe_event,
    ]


def long_steps(deps: WorkerDeps) -> Activities:
    """Model calls, parsing, the writing of exports and the sending of webhooks, on task queues of their own."""
    parts, bulk = PartActivities(deps), BulkActivities(deps)
    return [
        PromptActivities(deps).classify_document,
        ExtractionActivities(deps).extract_document,
        parts.plan_parts,
        parts.read_part,
        parts.merge_parts,
        bulk.send_to_bulk,
        bulk.look_at_bulk,
        bulk.give_up_bulk,
        ExportActivities(deps).write_export,
        WebhookActivities(deps).deliver_webhook,
    ]
