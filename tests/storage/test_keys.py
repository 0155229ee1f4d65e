"""Keys: the owner is the first segment, and nothing that a user typed is in the rest."""

from string import ascii_letters, digits
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestio.errors import InvalidRequest, NotFound
from ingestio.storage.keys import (
    document_prefix,
    extraction_key,
    is_key,
    is_prefix,
    original_key,
    owner_of,
    require_owner,
)

DOCUMENT = UUID("6f1c0f5e-2d55-4a2c-9c1a-0d2f5a7b9e11")

TRAVERSALS = [
    "",
    "/",
    "user_1",
    "user_1/",
    "/user_1/documents",
    "user_1//original",
    "user_1/./original",
    "user_1/../user_2/original",
    "../user_1/original",
    "./user_1/original",
    "user_1/documents/..",
    "user_1/documents/original\n",
    "user_1/documents/a b",
    "user_1/documents/a\\b",
    "user_1/documents/%2e%2e",
    "user_1/documents/\x00",
    "user_1/documents/ünïcode",
    "~staging/x.part",
    "user_1/" + "x" * 129,
]


def test_keys_follow_the_documented_shape() -> None:
    assert original_key("auth0|a:b.c@d-e_F", DOCUMENT) == f"auth0|a:b.c@d-e_F/documents/{DOCUMENT}/original"
    assert document_prefix("user_1", DOCUMENT) == f"user_1/documents/{DOCUMENT}"
    assert extraction_key("user_1", str(DOCUMENT)) == f"user_1/jobs/{DOCUMENT}/extraction.json"


@pytest.mark.parametrize("user_id", ["", ".", "..", "a/b", "a b", "a\n", "ä", "x" * 129, "a\x00"])
def test_a_user_id_that_could_leave_its_folder_makes_no_key(user_id: str) -> None:
    with pytest.raises(InvalidRequest):
        original_key(user_id, DOCUMENT)


@pytest.mark.parametrize("document_id", ["", "..", ".", "a/b", "invoice.pdf", "a\n", "x" * 65])
def test_a_file_name_is_no_document_id(document_id: str) -> None:
    with pytest.raises(InvalidRequest):
        original_key("user_1", document_id)


@pytest.mark.parametrize("key", TRAVERSALS)
def test_a_malformed_key_has_no_owner(key: str) -> None:
    assert not is_key(key)
    with pytest.raises(NotFound):
        owner_of(key)
    with pytest.raises(NotFound):
        require_owner(key, "user_1")


def test_another_users_key_is_not_found() -> None:
    key = original_key("user_1", DOCUMENT)
    require_owner(key, "user_1")
    for other in ("user_2", "user_", "user_11", "USER_1", "", "."):
        with pytest.raises(NotFound):
            require_owner(key, other)


def test_a_folder_is_a_prefix_but_no_key() -> None:
    assert is_prefix("user_1")
    assert not is_key("user_1")
    assert not is_prefix("..")
    assert not is_prefix("user_1/")


USER_IDS = st.text(ascii_letters + digits + "_|:.@-", min_size=1, max_size=128).filter(
    lambda text: text not in {".", ".."}
)


@given(USER_IDS, st.uuids())
def test_every_valid_user_owns_the_keys_made_for_it(user_id: str, document_id: UUID) -> None:
    for key in (original_key(user_id, document_id), extraction_key(user_id, document_id)):
        assert is_key(key)
        assert owner_of(key) == user_id


@given(st.text(max_size=40))
def test_no_text_with_a_way_out_passes_as_a_key(text: str) -> None:
    if is_key(text):
        assert not set(text.split("/")) & {"", ".", ".."}
        assert text.isascii()
        assert text.isprintable()
