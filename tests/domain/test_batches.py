"""How a batch's end follows from its documents (R66)."""

import pytest

from ingestio.domain.batches import BatchStatus, DocumentStatus, final_status


@pytest.mark.parametrize(
    ("completed", "failed", "cancelled", "status"),
    [
        (3, 0, 0, BatchStatus.COMPLETED),
        (2, 1, 0, BatchStatus.PARTIALLY_COMPLETED),
        (0, 3, 0, BatchStatus.FAILED),
        (0, 0, 0, BatchStatus.FAILED),
        (2, 0, 1, BatchStatus.CANCELLED),
        (1, 1, 1, BatchStatus.CANCELLED),
    ],
)
def test_the_final_status_follows_from_the_counts(
    completed: int, failed: int, cancelled: int, status: BatchStatus
) -> None:
    assert final_status(completed=completed, failed=failed, cancelled=cancelled) is status


def test_only_ends_are_terminal() -> None:
    assert {status for status in BatchStatus if not status.is_terminal} == {"pending_upload", "queued", "processing"}
    assert {status for status in DocumentStatus if not status.is_terminal} == {
        "uploaded",
        "queued_for_processing",
        "processing",
    }
