"""The pool: whatever a child does, its caller gets a value or a typed error, and the next task is fine."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from ingestio.errors import FileRefused, RefusalCode, Unavailable
from ingestio.media.bounded import BoundedPool, ChildCrashed, MemoryExceeded, TaskFailed, TimeExceeded
from ingestio.media.counting import PageCount
from tests.media import misbehaviour

MB = 1 << 20
ROOT = Path(__file__).parents[2]


@pytest_asyncio.fixture(loop_scope="session")
async def pool() -> AsyncIterator[BoundedPool]:
    async with BoundedPool(1) as pool:
        yield pool


async def run(pool: BoundedPool, name: str, *args: object, seconds: float = 5, memory: int = 256 * MB) -> object:
    value: object = await pool.run(f"tests.media.misbehaviour:{name}", *args, wall_seconds=seconds, memory_bytes=memory)
    return value


async def test_a_value_comes_back_as_it_was(pool: BoundedPool) -> None:
    value = {"a": [1, 2.5, None, b"x"], "b": (PageCount(3), RefusalCode.CORRUPT), "c": frozenset({1})}
    assert await run(pool, "echo", value) == value


async def test_a_function_may_be_given_itself(pool: BoundedPool) -> None:
    assert await pool.run(misbehaviour.echo, 7, wall_seconds=5, memory_bytes=256 * MB) == 7


async def test_a_child_serves_many_tasks(pool: BoundedPool) -> None:
    assert await run(pool, "process_id") == await run(pool, "process_id") != os.getpid()


async def test_a_child_retires_after_its_number_of_tasks() -> None:
    async with BoundedPool(1, tasks_per_child=2) as pool:
        seen = [await run(pool, "process_id") for _ in range(4)]
    assert seen[0] == seen[1] != seen[2] == seen[3]


async def test_an_endless_task_is_stopped_in_time(pool: BoundedPool) -> None:
    await run(pool, "echo", 1)
    started = time.monotonic()
    with pytest.raises(TimeExceeded):
        await run(pool, "spin", seconds=0.3)
    assert time.monotonic() - started < 30
    assert await run(pool, "echo", 2) == 2


async def test_a_sleeping_task_is_stopped_in_time(pool: BoundedPool) -> None:
    with pytest.raises(TimeExceeded):
        await run(pool, "sleep", 60, seconds=0.3)


async def test_a_crash_is_an_answer_and_does_not_poison_the_next_task(pool: BoundedPool) -> None:
    with pytest.raises(ChildCrashed) as caught:
        await run(pool, "fault")
    assert caught.value.signal_number == signal.SIGSEGV
    assert await run(pool, "echo", 2) == 2


async def test_too_much_memory_is_an_answer(pool: BoundedPool) -> None:
    with pytest.raises(MemoryExceeded):
        await run(pool, "hoard", 400 * MB)
    assert await run(pool, "hoard", 100 * MB) == 100 * MB


async def test_our_own_errors_arrive_whole(pool: BoundedPool) -> None:
    with pytest.raises(FileRefused) as caught:
        await run(pool, "refuse")
    assert (caught.value.reason, caught.value.detail) == (RefusalCode.ENCRYPTED, "It needs a password.")


async def test_another_error_tells_its_place_but_not_its_message(pool: BoundedPool) -> None:
    with pytest.raises(TaskFailed) as caught:
        await run(pool, "stumble")
    assert "ValueError" in caught.value.detail
    assert "stumble" in caught.value.detail
    assert "Miller" not in caught.value.detail


async def test_a_function_that_does_not_exist_is_an_answer(pool: BoundedPool) -> None:
    with pytest.raises(TaskFailed, match="cannot be imported"):
        await run(pool, "nowhere")
    assert await run(pool, "echo", 1) == 1


async def test_output_of_a_task_goes_nowhere(pool: BoundedPool, capfd: pytest.CaptureFixture[str]) -> None:
    await run(pool, "talk", "account number 12345")
    assert "12345" not in "".join(capfd.readouterr())


async def test_a_child_sees_no_secret(pool: BoundedPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGESTIO_SECRET_KEY", "secret")
    environment = await run(pool, "environment")
    assert isinstance(environment, dict)
    assert "PATH" in environment
    assert not [name for name in environment if "KEY" in name or "INGESTIO" in name or "DATABASE" in name]


async def test_an_answer_that_would_run_something_here_is_refused(pool: BoundedPool, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    for attack in ("call_system", "name_a_class_of_the_library"):
        with pytest.raises(ChildCrashed):
            await run(pool, attack, str(witness))
    assert not witness.exists()
    assert await run(pool, "echo", 1) == 1


async def test_cancelling_the_caller_kills_the_child(pool: BoundedPool) -> None:
    child = await run(pool, "process_id")
    assert isinstance(child, int)
    task = asyncio.create_task(run(pool, "sleep", 60, seconds=60))
    await asyncio.sleep(0.1)
    assert psutil.pid_exists(child)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await run(pool, "process_id") != child
    assert await _ended(child)


async def test_a_child_that_was_killed_from_outside_says_nothing_about_its_task(pool: BoundedPool) -> None:
    child = await run(pool, "process_id")
    assert isinstance(child, int)
    task = asyncio.create_task(run(pool, "sleep", 0.3))
    await asyncio.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    assert await task is None


async def test_a_machine_that_kills_every_child_is_unavailable_which_is_no_word_about_the_file(
    pool: BoundedPool,
) -> None:
    with pytest.raises(Unavailable):
        await run(pool, "be_killed")
    assert await run(pool, "echo", 1) == 1


async def test_a_child_that_died_while_idle_is_replaced(pool: BoundedPool) -> None:
    child = await run(pool, "process_id")
    assert isinstance(child, int)
    os.kill(child, signal.SIGKILL)
    assert await run(pool, "echo", 1) == 1


async def test_no_more_tasks_run_at_once_than_there_are_children() -> None:
    async with BoundedPool(2) as pool:
        seen = await asyncio.gather(*(run(pool, "process_id") for _ in range(20)))
    assert len(set(seen)) <= 2


async def test_closing_the_pool_ends_busy_children_too() -> None:
    pool = BoundedPool(1)
    child = await run(pool, "process_id")
    assert isinstance(child, int)
    task = asyncio.create_task(run(pool, "sleep", 60, seconds=60))
    await asyncio.sleep(0.1)
    await pool.close()
    assert not psutil.pid_exists(child)
    with pytest.raises(ChildCrashed):
        await task


async def test_the_address_space_of_a_child_is_free_again_after_a_small_task(pool: BoundedPool) -> None:
    await run(pool, "echo", 1, memory=100 * MB)
    assert await run(pool, "hoard", 150 * MB, memory=300 * MB) == 150 * MB


async def test_children_end_when_their_parent_is_killed() -> None:
    program = (
        "import asyncio, sys\n"
        "from ingestio.media.bounded import BoundedPool\n"
        "async def main():\n"
        "    pool = BoundedPool(1)\n"
        "    print(await pool.run('tests.media.misbehaviour:process_id', wall_seconds=5, memory_bytes=1 << 28), flush=True)\n"
        "    await pool.run('tests.media.misbehaviour:spin', wall_seconds=60, memory_bytes=1 << 28)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    assert await _ended(child)


def test_a_pool_that_nobody_closes_leaves_nothing_behind() -> None:
    program = (
        "import asyncio\n"
        "from ingestio.media.bounded import run_bounded\n"
        "print(asyncio.run(run_bounded('tests.media.misbehaviour:process_id', wall_seconds=5, memory_bytes=1 << 28)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stderr == ""
    assert not psutil.pid_exists(int(done.stdout))


async def _ended(process_id: int) -> bool:
    for _ in range(1500):
        if not psutil.pid_exists(process_id) or psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_a_child_without_work_is_sent_home_and_the_next_task_starts_another() -> None:
    async with BoundedPool(1, idle_seconds=0.2) as pool:
        first = await run(pool, "process_id")
        assert await run(pool, "process_id") == first
        deadline = time.monotonic() + 30
        while psutil.pid_exists(int(str(first))):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert await run(pool, "process_id") != first
