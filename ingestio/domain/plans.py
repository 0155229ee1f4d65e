"""Plans: what each one may do (R40), and how an operator changes that. None means unlimited."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ingestio.errors import PlanLimit

LONGEST_RETENTION_DAYS = 36_500
LARGEST_LIMIT = 2**31 - 1  # what user_usage.pages_limit can hold
UNLIMITED_STORED = -1  # how user_usage.pages_limit writes "unlimited" (R14); JSON says null


class Membership(StrEnum):
    """The plan that a profile is on."""

    STARTER = "starter"
    PLUS = "plus"
    GROWTH = "growth"


class Rate(StrEnum):
    """What is counted by the clock, under its name in the plan table."""

    REQUESTS = "requests_per_minute"
    UPLOADS = "uploads_per_hour"
    EXTRACTIONS = "extractions_per_hour"

    @property
    def window_seconds(self) -> int:
        return 60 if self is Rate.REQUESTS else 3600

    @property
    def noun(self) -> str:
        return self.value.partition("_")[0]

    @property
    def per(self) -> str:
        return "a minute" if self is Rate.REQUESTS else "an hour"


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan's limits. `pages` per billing period; `batch_documents` 0 means single documents only; after `retention_days` without a
    change a document is deleted, None keeps it for ever."""

    pages: int | None
    batch_documents: int | None
    file_mb: int | None
    uploads_per_hour: int | None
    extractions_per_hour: int | None
    requests_per_minute: int | None
    retention_days: int | None = None

    @property
    def kept(self) -> timedelta | None:
        """How long a document stays after its last change; None for ever."""
        return None if self.retention_days is None else timedelta(days=self.retention_days)

    @property
    def file_bytes(self) -> int | None:
        return None if self.file_mb is None else self.file_mb * 1024 * 1024

    def rate(self, rate: Rate) -> int | None:
        """The limit of a rate."""
        limit: int | None = getattr(self, rate.value)
        return limit


PlanTable = Mapping[Membership, Plan]

BUILT_IN_PLANS: PlanTable = MappingProxyType(
    {
        Membership.STARTER: Plan(25, 0, 20, 60, 60, 60),
        Membership.PLUS: Plan(250, 25, 100, 600, 600, 300),
        Membership.GROWTH: Plan(5000, 1000, 500, 6000, 6000, 1200),
    }
)

# Shares of whatever is scarce while several users wait for it (R69): nobody is starved, a larger plan moves faster.
_FAIRNESS_WEIGHTS = {Membership.STARTER: 1.0, Membership.PLUS: 2.0, Membership.GROWTH: 4.0}
# Equal shares would make ten documents behind a thousand take exactly twice their time alone, and then some. The first documents of each
# batch count for more, so a small batch is hardly delayed; who sends nothing but small batches gets that much more than others, not all.
FIRST_DOCUMENTS = 10
_FIRST_SHARE = 4.0

# The user `me` of the command line in local mode: the machine is theirs, so nothing is metered away from them.
LOCAL_OWNER_PLAN = Plan(None, None, 500, None, None, None)


def fairness_weight(plan: str, position: int = 0) -> float:
    """The share of a document when several users' work waits: its plan's, and more for the first ones of a batch (`position` from 0).

    An unknown plan has the smallest.
    """
    of_plan = _FAIRNESS_WEIGHTS[Membership(plan)] if plan in Membership._value2member_map_ else 1.0
    return of_plan * _FIRST_SHARE if position < FIRST_DOCUMENTS else of_plan


def without_rates(table: PlanTable) -> PlanTable:
    """The same plans with no rate limited: on one's own machine there is nobody to be protected from."""
    off: dict[str, Any] = dict.fromkeys(Rate, None)
    return MappingProxyType({name: replace(plan, **off) for name, plan in table.items()})


def explained(table: PlanTable, membership: Membership, name: str, needed: int | None = None) -> PlanLimit:
    """The limit called `name` of a plan, and the smallest larger plan that allows `needed` (None: anything more)."""
    value: int | None = getattr(table[membership], name)
    if value is None:
        return PlanLimit(name, None, membership.value, None)
    least = max(value + 1, needed or 0)
    larger = list(Membership)[list(Membership).index(membership) + 1 :]
    limits = {other: getattr(table[other], name) for other in larger}
    lifted_by = next((other.value for other, limit in limits.items() if limit is None or limit >= least), None)
    return PlanLimit(name, value, membership.value, lifted_by)


def overridden(table: PlanTable, changes: Mapping[str, Any]) -> PlanTable:
    """`table` with some limits replaced, e.g. `{"plus": {"pages": 250}}`. Raises ValueError that names the plan and the key."""
    result = dict(table)
    known = {item.name for item in fields(Plan)}
    for name, limits in changes.items():
        if name not in Membership._value2member_map_:
            raise ValueError(f"unknown plan {name!r}; plans are {', '.join(Membership)}")
        if not isinstance(limits, Mapping):
            raise ValueError(f"{name}: must be an object of limits")
        for key, value in limits.items():
            if key not in known:
                raise ValueError(f"{name}.{key}: unknown limit; limits are {', '.join(sorted(known))}")
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise ValueError(f"{name}.{key}: must be a whole number from 0, or null for unlimited")
            if value is not None and not 0 <= value <= LARGEST_LIMIT:
                raise ValueError(
                    f"{name}.{key}: must be a whole number from 0 to {LARGEST_LIMIT}, or null for unlimited"
                )
            if key == "retention_days" and value is not None and not 1 <= value <= LONGEST_RETENTION_DAYS:
                raise ValueError(f"{name}.{key}: must be 1 to {LONGEST_RETENTION_DAYS} days, or null to keep for ever")
        result[Membership(name)] = replace(result[Membership(name)], **limits)
    return MappingProxyType(result)
