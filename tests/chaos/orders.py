"""One batch under chaos, as its user sees it: posted, steered, waited for, and the right end asserted."""

import time
from typing import Any

from tests.chaos.script import Order, Steer
from tests.chaos.site import Site
from tests.chaos.visitor import BATCH_SECONDS, LOOK_SECONDS, Visitor
from tests.data.make_many import make_invoice_pdf

GATE_SECONDS = 1.5
BROKEN = b"%PDF-1.7\nnothing of what it should hold"


def follow(site: Site, order: Order, visitor: Visitor, key: str, seed: int) -> tuple[str, list[str]]:
    """Live through one batch; answers its id and what went wrong."""
    time.sleep(order.delay_seconds)
    files = [(f"invoice-{index}.pdf", make_invoice_pdf(seed + index, pages)) for index, pages in enumerate(order.pages)]
    files += [(f"broken-{index}.pdf", BROKEN) for index in range(order.broken_files)]
    batch_id = visitor.submit(files, key, **_prompts(order, [name for name, _ in files]))
    problems: list[str] = []
    if order.steer is not Steer.NOTHING:
        _await_part(order, visitor, batch_id)
    if order.steer is Steer.PAUSE:
        problems += _pause(site, visitor, batch_id)
    cancels = order.steer in (Steer.CANCEL, Steer.RETRY)
    # 409 as well when an earlier request of ours was committed and never answered, so only the end says what came of it.
    if cancels:
        visitor.act(batch_id, "cancel")
    problems += _end_problems(order, visitor.finished(batch_id), cancelled=cancels)
    if order.steer is Steer.RETRY:
        visitor.act(batch_id, "retry")
        problems += _end_problems(order, visitor.finished(batch_id), cancelled=False)
    return batch_id, [f"batch {batch_id} ({order.steer}): {problem}" for problem in problems]


def _prompts(order: Order, names: list[str]) -> dict[str, str]:
    fields = {"prompt_strategy": order.strategy}
    if order.strategy == "global":
        fields["global_prompt"] = "Extract the invoice number and the total"
    if order.strategy == "per_document":
        listed = ", ".join('"Extract the total"' for _ in names)
        fields["per_document_prompts"] = f"[{listed}]"
    return fields


def _await_part(order: Order, visitor: Visitor, batch_id: str) -> None:
    """Until so much of the batch has ended, or all."""
    deadline = time.monotonic() + BATCH_SECONDS
    while time.monotonic() < deadline:
        batch = visitor.batch(batch_id)
        if batch["completed_at"] is not None or batch["completed_count"] >= order.after_part * len(order.pages):
            return
        time.sleep(LOOK_SECONDS)


def _pause(site: Site, visitor: Visitor, batch_id: str) -> list[str]:
    """Pause, see that nothing starts once the run says that nothing runs, resume."""
    if visitor.act(batch_id, "pause") == 409:
        return []
    problems: list[str] = []
    if _await_quiet(site, visitor, batch_id):
        waiting = visitor.documents(batch_id, "queued_for_processing")
        time.sleep(GATE_SECONDS)
        started = waiting - visitor.documents(batch_id, "queued_for_processing")
        if started:
            problems.append(f"{started} documents started while paused")
    elif visitor.batch(batch_id)["completed_at"] is None:
        problems.append("it did not come to rest after a pause")
    visitor.act(batch_id, "resume")
    return problems


def _await_quiet(site: Site, visitor: Visitor, batch_id: str) -> bool:
    """Whether the run comes to say that it is paused and nothing runs; False as well when the batch ends instead."""
    deadline = time.monotonic() + BATCH_SECONDS
    while time.monotonic() < deadline:
        progress = site.progress(batch_id)
        if progress is not None and progress.paused and not progress.running:
            return True
        if visitor.batch(batch_id)["completed_at"] is not None:
            return False
        time.sleep(LOOK_SECONDS)
    return False


def _end_problems(order: Order, batch: dict[str, Any], *, cancelled: bool) -> list[str]:
    """A batch that nobody cancelled completes whole; a cancelled one has only completed and cancelled documents, and says so."""
    documents, refused = len(order.pages), order.broken_files
    counts = {name: batch[f"{name}_count"] for name in ("document", "completed", "failed", "cancelled")}
    expected_status = "partially_completed" if refused else "completed"
    if cancelled and counts["cancelled"]:
        expected_status = "cancelled"
    problems = []
    if batch["status"] != expected_status:
        problems.append(f"ended {batch['status']}, not {expected_status}, with {counts}")
    ended = counts["completed"] + counts["cancelled"]
    if counts["document"] != documents or ended != documents or counts["failed"] != refused:
        problems.append(f"{counts} of {documents} documents and {refused} refused files")
    if counts["cancelled"] and not cancelled:
        problems.append(f"{counts['cancelled']} documents were cancelled by nobody")
    return problems
