"""A short, seeded part of `make chaos` on servers of its own: a death at every boundary, and every fault of every line."""

import itertools
import random
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import Direction, Fault, Kind
from tests.chaos.referee import ITSELF, Death
from tests.chaos.rounds import calm_round, play_script
from tests.chaos.script import Break, Order, Script, Steer, links
from tests.chaos.site import SERVERS, Site

# The first test starts the servers and plays a calm round too.
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

# Nothing is written between `begin` and `commit`, nor between `committed` and `end`: one death for the two. The long suite dies at each.
SAME_AS_ITS_NEIGHBOUR = (":begin", ":committed")
# Whether a batch is still there to be steered, and what a worker finds to repair, depends on the moment.
NOT_EVERY_TIME = ("POST /batches/{id}/", "cancel", "end_", "reconcile", "POST /batches:delet")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), seed=1, patience_seconds=4) as made:
        yield made


@pytest.fixture(scope="module")
def known(site: Site) -> list[str]:
    """Every boundary that a calm round crosses."""
    return calm_round(site)


# The suite plays one of so many samples of the boundaries, `make long` all.
PARTS = 5

ORDERS = (
    Order("a", (1,) * 10, "auto", 1, Steer.NOTHING, 0, 0),
    Order("b", (1,) * 8, "global", 0, Steer.RETRY, 0.1, 0),
    Order("b", (1,) * 8, "per_document", 0, Steer.PAUSE, 0.1, 0),
)


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, PARTS))])
def test_a_process_that_dies_at_any_boundary_costs_no_batch_and_no_page(
    site: Site, known: list[str], part: int
) -> None:
    # What the schedule does by and by, each worker does at its start: that is where it dies here.
    boundaries = [
        name for name in known if not name.endswith(SAME_AS_ITS_NEIGHBOUR) and not name.startswith("reconcile:")
    ]
    # Each part is a sample of the whole way; a quarter of an hour for all of them is for the long suite.
    random.Random(3).shuffle(boundaries)

    # Every death is owed, so a slow machine gets the time for all of them: half of it passed before the batches could settle.
    missing = _not_crossed(site, 101 + 10 * part, set(boundaries[part::PARTS]))
    # One death ends every request under way, and a batch that is committed is not started again by its repetition: once more for those.
    if missing:
        missing = _not_crossed(site, 104 + 10 * part, missing)

    assert missing == set()


def _not_crossed(site: Site, seed: int, boundaries: set[str]) -> set[str]:
    """Die at each boundary; those that the batches did not come by, of those that they have to."""
    deaths = tuple(Death(name, 1, ITSELF) for name in sorted(boundaries))
    played = play_script(site, Script(seed, ORDERS, deaths, (), ()), deadly_seconds=300)
    assert played.problems == ()
    return {name for name in boundaries - set(played.boundaries) if not name.startswith(NOT_EVERY_TIME)}


def test_a_server_that_dies_at_any_boundary_costs_no_batch_and_no_page(site: Site, known: list[str]) -> None:
    dice = random.Random(1)
    deaths = tuple(Death(boundary, 1, dice.choice(SERVERS)) for boundary in dice.sample(known, 5))

    played = play_script(site, Script(102, ORDERS, deaths, (), ()))

    assert played.problems == ()
    assert played.crashes > len(deaths) / 2


def test_lines_that_break_cost_no_batch_and_no_page(site: Site) -> None:
    dice = random.Random(2)
    kinds = itertools.cycle(Kind)
    breaks = tuple(
        Break(
            link,
            Fault(
                kind,
                after_bytes=dice.choice((0, 500)),
                direction=dice.choice(list(Direction)),
                seconds=0.1 if kind is Kind.LATENCY else 0.0,
            ),
            dice.choice(("open", "lasting")),
            after_seconds=dice.uniform(0.1, 2),
            for_seconds=dice.uniform(0.3, 1.5),
            reset_held=dice.random() < 0.5,
        )
        for link, kind in zip(dice.sample(links(), len(links())), kinds, strict=False)
    )

    played = play_script(site, Script(103, ORDERS, (), (), breaks))

    assert played.problems == ()
    assert set(played.faults) == set(Kind)
