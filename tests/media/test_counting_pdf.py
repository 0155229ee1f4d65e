"""PDFs are counted by what is in them, whatever they claim, in bounded time and memory."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pikepdf
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestio.domain.media import MediaType
from ingestio.errors import RefusalCode
from ingestio.media.bounded import shared_pool
from ingestio.media.counting import MediaLimits, PageCount, Refusal, agreed, count_pages
from ingestio.media.readers import Opened, Refused
from tests.media import hostile
from tests.media.conftest import Save

MOST_SECONDS, MOST_BYTES = 20.0, 512 << 20

# Two outcomes where it depends on the machine whether the time suffices.
EXPECTED: dict[str, int | RefusalCode | set[int | RefusalCode]] = {
    "claims ten thousand million": 2,
    "claims half a million": 2,
    "claims three, has one": 1,
    "claims one, has three": 3,
    "claims less than none": 2,
    "claims none": 2,
    "one page three times": 3,
    "a kid that is missing": 2,
    "a kid that is a number": 1,
    "a kid that is its parent": RefusalCode.CORRUPT,
    "nothing but itself": RefusalCode.CORRUPT,
    "no pages": RefusalCode.NO_PAGES,
    "no pages, claims five": RefusalCode.NO_PAGES,
    "no kids": RefusalCode.NO_PAGES,
    "no tree": RefusalCode.CORRUPT,
    "multiplying": RefusalCode.CORRUPT,
    "500 levels": 1,
    "5,000 levels": 1,
    "100,000 levels": RefusalCode.CORRUPT,
    "100,000 pages": RefusalCode.TOO_MANY_PAGES,
    "100,000 brackets": 1,
    "previous is itself": 2,
    "cut off": RefusalCode.CORRUPT,
    "wrong start of the table": 3,
    "table of two thousand million": 2,
    "exploding table": {1, RefusalCode.CORRUPT},
    "twice exploding table": {1, RefusalCode.CORRUPT},
    "exploding tree": RefusalCode.CORRUPT,
    "twice exploding tree": RefusalCode.CORRUPT,
    "only a header": RefusalCode.CORRUPT,
    "a header and zeros": RefusalCode.CORRUPT,
    "a million opened objects": RefusalCode.CORRUPT,
}


def outcome(answer: PageCount | Refusal) -> int | RefusalCode:
    return answer.pages if isinstance(answer, PageCount) else answer.code


async def counted(path: Path, limits: MediaLimits | None = None) -> int | RefusalCode:
    return outcome(await count_pages(path, MediaType.PDF, limits or MediaLimits()))


@asynccontextmanager
async def largest_child() -> AsyncIterator[list[int]]:
    """The largest resident size of any child of this process while the block runs, in the list's only place."""
    largest = [0]

    async def watch() -> None:
        ourselves = psutil.Process()
        while True:
            for child in ourselves.children():
                try:
                    if "ingestio.media.child" in child.cmdline():
                        largest[0] = max(largest[0], child.memory_info().rss)
                except psutil.Error:
                    continue
            await asyncio.sleep(0.005)

    watching = asyncio.create_task(watch())
    try:
        yield largest
    finally:
        watching.cancel()


@pytest.fixture(autouse=True)
async def a_child_is_warm() -> None:
    """Starting one is not what is measured here."""
    await shared_pool().run(
        "ingestio.media.pdf_trees:ask_pdfium", Path(__file__), 1, wall_seconds=60, memory_bytes=MOST_BYTES
    )


def test_every_hostile_pdf_has_an_expected_outcome() -> None:
    assert EXPECTED.keys() == hostile.PDFS.keys()


@pytest.mark.parametrize("name", EXPECTED)
async def test_a_hostile_pdf_is_counted_as_what_it_has_or_refused_in_time(name: str, save: Save) -> None:
    path = save(hostile.PDFS[name]())
    async with largest_child() as largest:
        started = time.monotonic()
        answer = await counted(path)
        seconds = time.monotonic() - started
    expected = EXPECTED[name]
    assert answer in (expected if isinstance(expected, set) else {expected})
    assert seconds < MOST_SECONDS
    assert largest[0] < MOST_BYTES


async def test_junk_before_the_header_changes_nothing(save: Save) -> None:
    assert await counted(save(b"\n\x00junk" * 100 + hostile.pages(2))) == 2


@pytest.mark.parametrize("revision", [2, 3, 4, 6])
async def test_a_pdf_with_only_an_owner_password_is_counted(revision: int, save: Save) -> None:
    assert await counted(save(_encrypted(3, revision, user=""))) == 3


@pytest.mark.parametrize("revision", [2, 3, 4, 6])
async def test_a_pdf_that_needs_a_password_is_encrypted(revision: int, save: Save) -> None:
    answer = await count_pages(save(_encrypted(3, revision, user="secret")), MediaType.PDF)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.ENCRYPTED
    assert "password" in answer.message


def _encrypted(pages: int, revision: int, *, user: str) -> bytes:
    target = io.BytesIO()
    with pikepdf.new() as document:
        for _ in range(pages):
            document.add_blank_page()
        options = pikepdf.Encryption(owner="owner", user=user, R=revision, aes=revision >= 4, metadata=revision >= 4)  # type: ignore[arg-type]
        document.save(target, encryption=options)
    return target.getvalue()


async def test_the_limit_of_pages_is_inclusive(save: Save) -> None:
    limits = MediaLimits(max_pages=4)
    assert await counted(save(hostile.pages(4)), limits) == 4
    assert await counted(save(hostile.pages(5)), limits) is RefusalCode.TOO_MANY_PAGES
    assert await counted(save(hostile.pages(5, 2)), limits) is RefusalCode.TOO_MANY_PAGES
    assert await counted(save(hostile.pages(4, 9)), limits) == 4


async def test_five_thousand_pages_are_counted(save: Save) -> None:
    assert await counted(save(hostile.pages(5_000))) == 5_000


async def test_an_empty_file_is_refused_without_a_reader(save: Save) -> None:
    assert await counted(save(b"")) is RefusalCode.CORRUPT


async def test_time_and_memory_that_run_out_are_refusals(save: Save) -> None:
    slow = save(hostile.PDFS["a million opened objects"]())
    assert await counted(slow, MediaLimits(wall_seconds=0.2)) is RefusalCode.CORRUPT
    assert await counted(save(hostile.pages(2))) == 2


async def test_a_third_reader_that_takes_too_long_leaves_the_first_one_its_answer(save: Save) -> None:
    """The table is broken, so pikepdf refuses; the tree is so deep that pypdf needs seconds where pdfium needs milliseconds."""
    path = save(hostile.nested(1_000).replace(b"startxref\n", b"startxref\n9"))
    started = time.monotonic()
    first, second = await shared_pool().run(
        "ingestio.media.pdf_trees:ask_readers", path, 5_000, 0.05, wall_seconds=20, memory_bytes=MOST_BYTES
    )
    assert time.monotonic() - started < 19
    assert (first, second) == (Opened(1, 1), Refused())
    assert await counted(path) == 1


async def test_a_message_says_what_to_do_and_quotes_nothing(save: Save) -> None:
    answer = await count_pages(save(b"%PDF-1.7 secret words"), MediaType.PDF)
    assert isinstance(answer, Refusal)
    assert "secret" not in answer.message
    assert answer.message.endswith(".")


Tree = int | list["Tree"]
trees = st.recursive(st.just(0), lambda kids: st.lists(kids, min_size=1, max_size=4), max_leaves=30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.lists(trees, min_size=1, max_size=4), claims=st.lists(st.integers(-5, 2_000_000), min_size=1))
async def test_any_tree_is_counted_by_its_leaves_whatever_its_nodes_claim(
    tree: list[Tree], claims: list[int], save: Save
) -> None:
    objects: hostile.Objects = {1: hostile.CATALOG}

    def add(node: Tree, parent: int) -> int:
        number = max(objects) + 1
        objects[number] = hostile.PAGE
        if isinstance(node, list):
            kids = [add(kid, number) for kid in node]
            claim = claims[number % len(claims)]
            objects[number] = (
                f"<</Type/Pages/Count {claim}/Parent {parent} 0 R/Kids[{' '.join(f'{kid} 0 R' for kid in kids)}]>>"
            )
        return number

    def leaves(node: Tree) -> int:
        return sum(map(leaves, node)) if isinstance(node, list) else 1

    add(tree, 1)
    objects[2] = str(objects[2]).replace("/Parent 1 0 R", "")
    assert await counted(save(hostile.pdf(dict(sorted(objects.items()))))) == leaves(tree)


LIMITS = MediaLimits()
CORRUPT, ENCRYPTED = RefusalCode.CORRUPT, RefusalCode.ENCRYPTED


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Opened(3, 3), Opened(3, 3), 3),
        (Opened(3, 3), Opened(7, 3), 3),
        (Opened(3, 3), Refused(), 3),
        (Opened(3, 3), Refused(encrypted=True), 3),
        (Refused(), Opened(3, 3), 3),
        (Refused(encrypted=True), Opened(3, 3), 3),
        (Refused(), Opened(9, 3), 3),
        # Readers that rebuilt different documents.
        (Opened(3, 3), Opened(4, 4), CORRUPT),
        (Opened(3, 3), Opened(9, 4), CORRUPT),
        # Alone and not sure of itself.
        (Opened(3, 2), Refused(), CORRUPT),
        # The same claim, one reader stopped at a hole.
        (Opened(3, 1), Opened(3, 2), 2),
        (Opened(2, 1), Opened(9, 2), 2),
        (Opened(30, 30), Opened(30, 29), 30),
        (Opened(3, 2), Opened(3, 1), CORRUPT),
        (Refused(), Refused(), CORRUPT),
        (Refused(encrypted=True), Refused(), ENCRYPTED),
        (Refused(), Refused(encrypted=True), ENCRYPTED),
        (Opened(0, 0), Opened(0, 0), RefusalCode.NO_PAGES),
        (Opened(9_000, 5_001), Opened(9_000, 5_001), RefusalCode.TOO_MANY_PAGES),
        (Opened(9_000, 5_001), Refused(), RefusalCode.TOO_MANY_PAGES),
    ],
)
def test_what_two_answers_come_to(
    first: Opened | Refused, second: Opened | Refused, expected: int | RefusalCode
) -> None:
    assert outcome(agreed(first, second, LIMITS)) == expected
