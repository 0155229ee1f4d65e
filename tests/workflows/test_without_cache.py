"""The same on a worker that forgets a run between any two of its tasks: every step is replayed from the history, and must come out alike.

The rest of the folder runs so with `WORKFLOW_CACHE=0 pytest tests/workflows`; it takes minutes, because such a worker works on one
run at a time.
"""

import pytest

from tests.workflows.test_batches import (
    test_a_cancel_from_the_temporal_ui_means_the_same,
    test_a_stray_start_and_a_late_duplicate_change_nothing,
    test_a_terminated_run_is_taken_up_again_and_its_document_is_not_read_twice,
    test_auto_classifies_and_saves_the_default_prompt_on_the_document,
    test_retry_runs_only_what_failed,
)
from tests.workflows.test_replay import (
    test_a_batch_that_continues_as_new_while_a_document_runs,
    test_a_batch_that_is_paused_and_resumed,
)

__all__ = [
    "test_a_batch_that_continues_as_new_while_a_document_runs",
    "test_a_batch_that_is_paused_and_resumed",
    "test_a_cancel_from_the_temporal_ui_means_the_same",
    "test_a_stray_start_and_a_late_duplicate_change_nothing",
    "test_a_terminated_run_is_taken_up_again_and_its_document_is_not_read_twice",
    "test_auto_classifies_and_saves_the_default_prompt_on_the_document",
    "test_retry_runs_only_what_failed",
]


@pytest.fixture
def cached_runs() -> int:
    return 0
