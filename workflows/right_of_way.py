"""Who waits for whom inside one worker: the first documents of a batch have the right of way over other users' later ones.

The server's queues deal turns fairly, but where cores are short little waits in them: whatever was taken shares the cores with the up to
fifty documents that a large batch of somebody else's keeps under way. So while first documents pass, the worker puts off what other users'
later documents want next, each step for less than a second and all of them for at most half of the time. Nothing of it is recorded: a run
notices only that a task of its came later.
"""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

from temporalio import activity
from temporalio.bridge.proto.workflow_activation import InitializeWorkflow, WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)
from temporalio.workflow import Info

from ingestio.domain.plans import FIRST_DOCUMENTS
from workflows.batches import BatchWorkflow
from workflows.documents import DocumentWorkflow

# A first document wants something every few hundredths of a second until its reading begins; after this much silence the rest goes on.
QUIET = 0.2
# One burst of first documents is let pass for so long; then the others have as long for themselves.
LONGEST = 2.0
# One step is put off for no longer: the SDK takes a task of a run for deadlocked after two seconds, and it must still do its work in them.
PATIENCE = 0.8
# The run of ten documents writes some sixty events; a larger batch that has written more is past its first ones.
_FIRST_EVENTS = 100
# What a run that was begun hears of its own work. Whatever else there is (a wish of the operator's, a query, the news of another run) is
# never put off.
_OWN_WORK = frozenset(
    (
        "initialize_workflow",
        "resolve_activity",
        "resolve_child_workflow_execution_start",
        "resolve_child_workflow_execution",
        "fire_timer",
        "update_random_seed",
        "notify_has_patch",
    )
)


class RightOfWay:
    """Shared by all that one process works on; safe between its threads. `clock` in seconds, never backwards."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._passed: dict[str, float] = {}
        self._begun = self._until = self._next = 0.0

    def take(self, user: str) -> None:
        """A first document of this user's passes: for a while other users' later ones let it."""
        with self._lock:
            now = self.clock()
            self._passed = {other: at for other, at in self._passed.items() if now - at < QUIET} | {user: now}
            if now >= self._until:
                if now < self._next:
                    return
                self._begun = now
            self._until = min(now + QUIET, self._begun + LONGEST)
            self._next = 2 * self._until - self._begun

    def pause(self, user: str) -> float:
        """Seconds that a later document of this user's has to wait before it may ask again; 0 when it may go."""
        with self._lock:
            now = self.clock()
            if now >= self._until or not any(now - at < QUIET for other, at in self._passed.items() if other != user):
                return 0.0
            return self._until - now

    def is_with(self, user: str) -> bool:
        """Whether first documents of this user's were just passing."""
        with self._lock:
            return self.clock() - self._passed.get(user, -QUIET) < QUIET


class Waiting:
    """The places of one worker in which later documents wait; who finds none goes on, for a wait takes up what first documents need too."""

    def __init__(self, way: RightOfWay, places: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self.way = way
        self._free = threading.Semaphore(places)
        self._sleep = sleep

    def give_way(self, user: str) -> None:
        """Hold up the thread, at most PATIENCE seconds."""
        with closing(self._pauses(user)) as pauses:
            for pause in pauses:
                self._sleep(pause)

    async def give_way_gently(self, user: str) -> None:
        """The same for a task of the event loop; a cancel ends the wait."""
        with closing(self._pauses(user)) as pauses:
            for pause in pauses:
                await asyncio.sleep(pause)

    def _pauses(self, user: str) -> Generator[float, None, None]:
        if not self.way.pause(user) or not self._free.acquire(blocking=False):
            return
        try:
            last = self.way.clock() + PATIENCE
            while (pause := min(self.way.pause(user), last - self.way.clock())) > 0:
                yield pause
        finally:
            self._free.release()


class GivingWay(WorkflowRunner):
    """Runs what another runner runs, with a wait before those steps of documents and batches that have to give way."""

    def __init__(self, runner: WorkflowRunner, waiting: Waiting) -> None:
        self._runner = runner
        self._waiting = waiting

    def prepare_workflow(self, defn: Any) -> None:
        self._runner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        run = self._runner.create_instance(det)
        first = _FIRST.get(det.info.workflow_type)
        user = det.info.priority.fairness_key
        return run if first is None or user is None else _Run(run, user, first, self._waiting)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        self._runner.set_worker_level_failure_exception_types(types)


class _Run(WorkflowInstance):
    def __init__(
        self, run: WorkflowInstance, user: str, first: Callable[[dict[str, Any]], int], waiting: Waiting
    ) -> None:
        self._run = run
        self._user = user
        self._first = first
        self._waiting = waiting
        self._first_events = 0

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        for job in act.jobs:
            if job.HasField("initialize_workflow"):
                self._first_events = self._first(_request(job.initialize_workflow))
        if act.history_length < self._first_events:
            self._waiting.way.take(self._user)
        elif all(job.WhichOneof("variant") in _OWN_WORK for job in act.jobs):
            self._waiting.give_way(self._user)
        return self._run.activate(act)

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._run.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return self._run.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self._run.get_info()

    def get_thread_id(self) -> int | None:
        return self._run.get_thread_id()


def _request(begin: InitializeWorkflow) -> dict[str, Any]:
    """What a run was started with; nothing when an operator started it with what is not ours, which the run itself refuses."""
    try:
        request = json.loads(begin.arguments[0].data)
    except (IndexError, ValueError):
        return {}
    return request if isinstance(request, dict) else {}


def _of_document(request: dict[str, Any]) -> int:
    return sys.maxsize if request.get("position", 0) < FIRST_DOCUMENTS else 0


def _of_batch(request: dict[str, Any]) -> int:
    return _FIRST_EVENTS if request.get("after_position", -1) < 0 else 0


# How many events of a run belong to first documents, by its type and what it was started with.
_FIRST = {DocumentWorkflow.__name__: _of_document, BatchWorkflow.__name__: _of_batch}


class ReadingGivesWay(Interceptor):
    """The same before an activity, of which only the user is known: a reading that has begun takes a core for as long as it lasts."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _Reading(next, self._waiting)


class _Reading(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, waiting: Waiting) -> None:  # noqa: A002
        super().__init__(next)
        self._waiting = waiting

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        user = info.priority.fairness_key
        # Local ones are steps of a task that gave way already.
        if user is not None and not info.is_local and not self._waiting.way.is_with(user):
            await self._waiting.give_way_gently(user)
        return await super().execute_activity(input)
