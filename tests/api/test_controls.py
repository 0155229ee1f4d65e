"""Cancel, pause, resume, retry and delete: allowed when R64 says so, else 409 with the present status."""

import pytest

from ingestio.config import Settings
from ingestio.errors import FailureCode
from ingestio.storage.keys import extraction_key
from tests.api.conftest import Json, User, Worker, assert_problem, documents_of, stored_files
from tests.api.files import pdf

ACTIONS = ("cancel", "pause", "resume", "retry")

# R64 as a table: what each action answers in each state of a batch.
STEERABLE = {"cancel": 202, "pause": 202, "resume": 202, "retry": 409, "delete": 409}
ENDED = {"cancel": 409, "pause": 409, "resume": 409, "delete": 204}
ALLOWED = {
    "draft": {"cancel": 409, "pause": 409, "resume": 409, "retry": 409, "delete": 204},
    "queued": STEERABLE,
    "processing": STEERABLE,
    "queued, paused": STEERABLE,
    "processing, paused": STEERABLE,
    "processing, being cancelled": STEERABLE,
    "completed": ENDED | {"retry": 409},
    "partially completed": ENDED | {"retry": 202},
    "failed": ENDED | {"retry": 202},
    "failed, every file refused": ENDED | {"retry": 409},
    "cancelled": ENDED | {"retry": 202},
}


async def ended(user: User, *, completed: int = 0, failed: int = 0) -> Json:
    """A batch whose documents have all ended."""
    batch = await user.batch([1] * (completed + failed))
    worker = Worker(user)
    for index, document in enumerate(await documents_of(user, batch["id"])):
        await (worker.complete(document["id"]) if index < completed else worker.fail(document["id"]))
    await worker.settle(batch["id"])
    answer: Json = (await user.get(f"/batches/{batch['id']}")).json()
    return answer


async def in_state(user: User, state: str) -> Json:
    """A batch in one of the states of the table."""
    match state:
        case "draft":
            return await user.draft()
        case "completed":
            return await ended(user, completed=1)
        case "partially completed":
            return await ended(user, completed=1, failed=1)
        case "failed":
            return await ended(user, failed=1)
        case "failed, every file refused":
            refused: Json = (await user.upload([("a.txt", b"text")])).json()
            return refused
    batch = await user.batch([1, 1])
    first, second = await documents_of(user, batch["id"])
    if state == "cancelled":
        worker = Worker(user)
        await worker.complete(first["id"])
        await worker.fail(second["id"], FailureCode.CANCELLED)
        await worker.settle(batch["id"])
    if state.startswith("processing"):
        await Worker(user).confirm(first["id"])
    if state.endswith("paused"):
        await user.post(f"/batches/{batch['id']}/pause")
    if state.endswith("being cancelled"):
        await user.post(f"/batches/{batch['id']}/cancel")
    now: Json = (await user.get(f"/batches/{batch['id']}")).json()
    return now


@pytest.mark.parametrize("action", [*ACTIONS, "delete"])
@pytest.mark.parametrize("state", ALLOWED)
async def test_every_action_in_every_state(user: User, state: str, action: str) -> None:
    batch = await in_state(user, state)
    path = f"/batches/{batch['id']}"

    answer = await (user.ask("DELETE", path) if action == "delete" else user.post(f"{path}/{action}"))

    assert answer.status_code == ALLOWED[state][action], answer.text
    if answer.status_code == 409:
        assert assert_problem(answer, 409, "invalid_transition")["current"] == batch["status"]
        assert (await user.get(path)).json() == batch
    if answer.status_code == 202 and action != "retry":
        # A wish: what comes of it is the run's affair, and wishing again is fine.
        assert answer.json()["status"] == batch["status"]
        assert (await user.post(f"{path}/{action}")).status_code == 202
    if answer.status_code == 202 and action == "retry":
        assert (answer.json()["status"], answer.json()["completed_at"]) == ("queued", None)
        assert (await user.post(f"{path}/{action}")).status_code == 409


@pytest.mark.parametrize("action", [*ACTIONS, "delete"])
async def test_another_users_batch_is_not_there_for_any_action(user: User, other: User, action: str) -> None:
    batch = await in_state(other, "partially completed")
    path = f"/batches/{batch['id']}"

    answer = await (user.ask("DELETE", path) if action == "delete" else user.post(f"{path}/{action}"))

    assert_problem(answer, 404, "not_found")
    assert (await other.get(path)).json() == batch


async def test_pause_and_resume_are_wishes_that_may_be_repeated(user: User) -> None:
    batch = await user.batch([1])

    for action, paused in (("pause", True), ("pause", True), ("resume", False), ("resume", False)):
        answer = await user.post(f"/batches/{batch['id']}/{action}")
        assert (answer.status_code, answer.json()["paused"]) == (202, paused)


async def test_cancel_may_be_repeated_while_the_batch_runs_paused_or_not(user: User) -> None:
    batch = await user.batch([1])
    await user.post(f"/batches/{batch['id']}/pause")

    for _ in range(2):
        assert (await user.post(f"/batches/{batch['id']}/cancel")).status_code == 202

    assert user.row("SELECT cancel_requested FROM extraction_batches WHERE id = %s", batch["id"]) is True


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_draft_is_neither_steered_nor_retried(user: User, action: str) -> None:
    draft = await user.draft()

    problem = assert_problem(await user.post(f"/batches/{draft['id']}/{action}"), 409, "invalid_transition")

    assert problem["current"] == "pending_upload"


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_completed_batch_is_left_alone(user: User, action: str) -> None:
    batch = await ended(user, completed=1)

    problem = assert_problem(await user.post(f"/batches/{batch['id']}/{action}"), 409, "invalid_transition")

    assert problem["current"] == "completed"


async def test_a_running_batch_is_not_retried_and_not_deleted(user: User) -> None:
    batch = await user.batch([1])

    assert (
        assert_problem(await user.post(f"/batches/{batch['id']}/retry"), 409, "invalid_transition")["current"]
        == "queued"
    )
    assert_problem(await user.ask("DELETE", f"/batches/{batch['id']}"), 409, "invalid_transition")


async def test_a_batch_of_refused_files_only_has_nothing_to_retry(user: User) -> None:
    batch = (await user.upload([("a.txt", b"text")])).json()

    problem = assert_problem(await user.post(f"/batches/{batch['id']}/retry"), 409, "invalid_transition")

    assert problem["current"] == "failed"


async def test_retry_runs_only_what_failed_with_a_new_prompt_and_keeps_what_was_refused(user: User) -> None:
    answer = await user.upload([("a.pdf", pdf()), ("b.pdf", pdf()), ("c.txt", b"text")])
    batch = answer.json()
    first, second = await documents_of(user, batch["id"])
    worker = Worker(user)
    await worker.complete(first["id"])
    await worker.fail(second["id"], FailureCode.MODEL_UNAVAILABLE)
    await worker.settle(batch["id"])
    assert (await user.get(f"/batches/{batch['id']}")).json()["status"] == "partially_completed"

    again = (await user.post(f"/batches/{batch['id']}/retry", json={"prompt": "the total"})).json()

    assert (again["status"], again["completed_count"], again["failed_count"]) == ("queued", 1, 1)
    assert again["completed_at"] is None
    documents = await documents_of(user, batch["id"])
    assert [(item["status"], item["attempt"]) for item in documents] == [("completed", 1), ("queued_for_processing", 2)]
    job = "SELECT extraction_prompt FROM extraction_jobs WHERE document_id = %s ORDER BY attempt DESC"
    assert user.row(job, second["id"]) == "the total"
    await worker.complete(second["id"])
    await worker.settle(batch["id"])
    done = (await user.get(f"/batches/{batch['id']}")).json()
    assert (done["status"], done["completed_count"], done["failed_count"]) == ("partially_completed", 2, 1)


@pytest.mark.parametrize(
    ("body", "code"), [({"prompt": "\x00"}, "prompt_invalid"), ({"prompts": "x"}, "invalid_request")]
)
async def test_a_wrong_retry_changes_nothing(user: User, body: Json, code: str) -> None:
    batch = await ended(user, failed=1)

    assert_problem(await user.post(f"/batches/{batch['id']}/retry", json=body), 422, code)

    assert (await user.get(f"/batches/{batch['id']}")).json() == batch


async def test_deleting_an_ended_batch_leaves_its_documents_with_their_results(user: User, settings: Settings) -> None:
    batch = await ended(user, completed=1, failed=1)
    done, failed = await documents_of(user, batch["id"])
    job_id = user.row("SELECT id FROM extraction_jobs WHERE document_id = %s", done["id"])
    stored = settings.data_dir / "storage" / extraction_key(user.id, job_id)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"{}")
    before = stored_files(settings)

    assert (await user.ask("DELETE", f"/batches/{batch['id']}")).status_code == 204

    assert_problem(await user.get(f"/batches/{batch['id']}"), 404, "not_found")
    left = (await user.get(f"/documents/{done['id']}")).json()
    assert (left["batch_id"], left["status"]) == (None, "completed")
    assert (await user.get(f"/documents/{done['id']}/result")).status_code == 200
    assert (await user.get(f"/documents/{failed['id']}")).json()["status"] == "failed"
    assert set(before) - set(stored_files(settings)) == {stored}


async def test_progress_counts_rows_when_no_run_answers(user: User) -> None:
    batch = await user.batch([1, 1, 1])
    first, *_ = await documents_of(user, batch["id"])
    await Worker(user).confirm(first["id"])

    progress = (await user.get(f"/batches/{batch['id']}/progress")).json()

    assert progress == {"running": 1, "waiting": 2, "paused": False, "waiting_for": None}
    assert (await user.get(f"/batches/{(await user.draft())['id']}/progress")).json()["waiting"] == 0


async def test_progress_of_a_paused_batch_says_what_it_waits_for(user: User) -> None:
    batch = await user.batch([1])
    await user.post(f"/batches/{batch['id']}/pause")

    progress = (await user.get(f"/batches/{batch['id']}/progress")).json()

    assert (progress["paused"], progress["waiting_for"]) == (True, "resume")
