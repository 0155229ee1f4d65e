"""Every repair there is, in the order in which a round makes them."""

from activities.repairs.base import Ground, Repair
from activities.repairs.billing import billing_repairs, period_repair
from activities.repairs.objects import object_repairs
from activities.repairs.retention import retention_repairs
from activities.repairs.rows import row_repairs
from activities.repairs.runs import run_repairs


def all_repairs(ground: Ground) -> list[Repair]:
    """What this ground allows to look at: runs first, because somebody waits for them; objects last."""
    return [
        *(run_repairs(ground, ground.client) if ground.client is not None else ()),
        *(billing_repairs(ground, ground.billing) if ground.billing is not None else ()),
        *row_repairs(ground),
        *((period_repair(ground, ground.book),) if ground.book is not None else ()),
        *(retention_repairs(ground, ground.book) if ground.book is not None else ()),
        *(object_repairs(ground, ground.store) if ground.store is not None else ()),
    ]
