"""A short, seeded part of `make chaos` on `ingestio up`: the whole is killed once in mid-batch; in `make long` also each part alone."""

from collections.abc import Iterator

import pytest

from tests.chaos.instance import TARGETS, ChaosInstance
from tests.chaos.moments import play
from tests.chaos.site import PLANS


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosInstance]:
    folder = tmp_path_factory.mktemp("chaos")
    made = ChaosInstance(folder / "data", {"INGESTIO_PLANS": PLANS})
    made.start()
    yield made
    made.stop()


# That single parts die is in test_boundaries.py.
@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "target", [pytest.param(each, marks=() if each == "everything" else pytest.mark.long) for each in TARGETS]
)
def test_a_batch_completes_and_the_books_balance_whoever_is_killed(instance: ChaosInstance, target: str) -> None:
    done = play(instance, TARGETS.index(target) + 1, (target,))

    assert done.problems == ()
