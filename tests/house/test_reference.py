"""docs/reference.md says what the code says."""

import re
import typing

from api.schemas.documents import ExtractOptions
from tests.house.reference import PAGE, page
from tests.house.tree import ROOT


def test_the_reference_is_what_the_code_makes_it() -> None:
    assert PAGE.read_text() == page(), "run `make reference`"


def test_the_guide_names_each_lane_as_the_api_does() -> None:
    lanes = [name for name in typing.get_args(ExtractOptions.model_fields["lane"].annotation) if name is not type(None)]
    names = typing.get_args(lanes[0])
    guide = (ROOT / "docs" / "using.md").read_text()
    assert names
    assert [name for name in names if f"`options.lane={name}`" not in guide] == []
    assert re.findall(r"\blive lane\b", guide + (ROOT / "README.md").read_text()) == [], "no request can name it so"
