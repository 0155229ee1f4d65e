"""What a repair is, and what repairs run on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.billing import BillingActivities
from ingestio.domain.findings import Finding, FindingKind, FoundPage
from ingestio.services.accounts import PlanBook
from ingestio.storage.objects import ObjectStore

# A front door that has just committed is about to start the run itself; upkeep looks at what is older.
GRACE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Ground:
    """What repairs run on. Without `client` nothing is compared with Temporal, without `store` nothing with storage, without `billing`
    nothing with Stripe, and without `book` nobody's period begins and nobody's retention ends.

    `tagged`: whether the workflow server knows our search attributes. Work that moved within `grace` is left alone.
    """

    engine: AsyncEngine
    clock: Callable[[], datetime]
    store: ObjectStore | None = None
    client: Client | None = None
    tagged: bool = False
    grace: timedelta = GRACE
    book: PlanBook | None = None
    billing: BillingActivities | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """One kind of damage: `find` answers one page of a walk over everything, `mend` whether it changed something for one finding.

    `title` is how `ingestio doctor` calls the look. A round takes at most `pages` steps of the walk, and a walk that reached its end
    begins anew after `rest`. Mending what is right by then changes nothing. What is `is_routine` comes with time and is no damage.
    """

    kind: FindingKind
    title: str
    find: Callable[[str | None], Awaitable[FoundPage]]
    mend: Callable[[Finding], Awaitable[bool]]
    rest: timedelta
    pages: int
    is_routine: bool = False
