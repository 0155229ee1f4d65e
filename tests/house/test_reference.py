"""docs/reference.md says what the code says."""

from tests.house.reference import PAGE, page


def test_the_reference_is_what_the_code_makes_it() -> None:
    assert PAGE.read_text() == page(), "run `make reference`"
