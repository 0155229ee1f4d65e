"""Every timeout and retry policy, named, with its reason."""

from datetime import timedelta

from temporalio.common import RetryPolicy

# A short database step. It repeats until it succeeds: a database that is away delays a batch, it never fails one. The bound on one try
# covers the statement timeout of the database (30 s); the ceiling keeps recovery within half a minute of the database's return.
DATABASE_STEP_TIMEOUT = timedelta(seconds=40)
DATABASE_STEP_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=20),
    maximum_attempts=0,
)

# Up to this pause a failed database step waits inside the worker, which keeps its workflow task open and writes three events every eight
# seconds; a longer pause is a timer of the workflow: cheaper in an outage, and a worker that stops hands the step back that way.
DATABASE_STEP_WAITS_INSIDE = timedelta(seconds=5)

# Long activities say that they live every few seconds; after this much silence Temporal gives the work to another worker. It bounds how
# long a killed worker delays a document, so it is short; it must outlast a garbage collection or a stalled disk, so it is not shorter.
HEARTBEAT_TIMEOUT = timedelta(seconds=12)

# One extraction may upload, classify, extract and repair: so many calls, each with the whole timeout of one.
MODEL_CALLS_PER_STEP = 4

# What a step needs beyond its calls: fetching the file, reading its text, grounding, writing the answer. A scan of 500 pages takes ten
# minutes alone and may wait for others that use the same recognition; a step that hangs is found by its heartbeats long before.
EXTRACTION_OVERHEAD = timedelta(hours=1)

# A model that is away is asked again and again, at most this far apart; a 429 with a delay overrides the interval. There is no limit on
# attempts because the activity itself knows how long the outage has lasted and gives up with a typed failure (INGESTIO_MODEL_WAIT_SECONDS);
# time spent waiting in the queue, or with every server down over night, is no outage of the model and must not count.
EXTRACTION_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=0,
)

# A batch job takes minutes at least and hours at most: every look after it makes the pause half as long again, up to ten of the first, so
# that three days of waiting are some five hundred looks.
BULK_PAUSE_GROWS = 1.5
BULK_PAUSES_AT_MOST = 10.0

# Ending a batch job that is no longer wanted: whoever cancelled a document waits for it, so not for long. What is not ended in spite of it
# ends by itself, read in vain.
GIVE_UP_BULK_TIMEOUT = timedelta(minutes=2)
GIVE_UP_BULK_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=5),
    maximum_attempts=4,
)

# An event of Stripe's: two reads there of at most eight seconds each with one repeat, and a few short transactions.
STRIPE_EVENT_TIMEOUT = timedelta(seconds=60)

# A minute and a half of trying at most. The inbox keeps what failed, and upkeep goes on with longer pauses for as long as it takes.
STRIPE_EVENT_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=8,
)

# One export: ten thousand documents take about a minute, and a store that is slow to take the file in may take many.
EXPORT_TIMEOUT = timedelta(hours=2)

# One request to a webhook endpoint with its rows before and after.
WEBHOOK_ATTEMPT_TIMEOUT = timedelta(seconds=60)

# Between the attempts at one delivery: quick at first, for a receiver that restarts; then over three days, for one that is mended after
# a week-end. After the last one it is given up.
WEBHOOK_PAUSES = (
    timedelta(seconds=1),
    timedelta(seconds=10),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)

# Windows of one long document that are read at the same time: enough to make it fast, few enough to leave a worker's other model calls to
# other documents.
PARTS_AT_ONCE = 8

# A workflow task that a worker took and never finished (killed) is given away again after this.
WORKFLOW_TASK_TIMEOUT = timedelta(seconds=10)

# Children in flight per batch. Measured on two cores: 25 / 50 / 100 give 46 / 52 / 52 documents a second; more only grows the parent's
# pending list, which stalls it at 2,000.
WINDOW = 50

# Starts of children that the server has not confirmed yet. Each needs the batch's own record several times, and the server gives one that
# waits half a second for it back to its queue, to try again after a pause that grows: with a window of starts before it at once, each was
# tried eight times over, and now and then none got through for seconds. A small batch starts in one go: each further one waits for its turn
# behind whatever else runs.
STARTS_AT_ONCE = 12

# Documents per run of a batch before it continues as new: some 4 events a document. Going through a history again takes half a millisecond
# an event on two busy cores, and whatever ends meanwhile makes it necessary once more: with a thousand documents a run, batches stood still
# for two to six seconds at the end of each.
DOCUMENTS_PER_RUN = 150

# Before that it waits at most so long for the documents that run.
REST = timedelta(seconds=1)

# Starts before the server with the last documents of a run, and as long as the first of the next are not confirmed.
GENTLE_STARTS = 1

# Jobs that one look at the manifest brings: a few kilobytes of ids.
MANIFEST_PAGE = 200

# The shortest timer there is: local steps before it are in the history before those after it begin.
RECORDED = timedelta(milliseconds=1)

# Between two looks at a batch whose remaining jobs are in somebody else's hands (a run that was terminated left its children behind).
SETTLE_INTERVAL = timedelta(seconds=2)

# Ending all that runs for a user looks for a minute at a time and says what is left; then it is asked again after a pause.
END_WORK_TIMEOUT = timedelta(minutes=3)
END_WORK_PAUSE = timedelta(seconds=5)

# Erasing an account goes through all of its rows and objects: minutes for a large one. What was erased stays so, whatever ends a try.
ERASURE_TIMEOUT = timedelta(hours=2)
ERASURE_HEARTBEAT = timedelta(seconds=30)
