"""Words by which documents are found."""

from ingestio.domain.search import LONGEST_WORD, texts_in, words_of


def test_case_accents_and_signs_do_not_matter() -> None:
    assert words_of(["Müller & Söhne, RE-2026-0417", "STRASSE straße"]) == [
        "muller", "sohne", "re", "2026", "0417", "strasse",
    ]  # fmt: skip


def test_scripts_without_blanks_are_cut_into_pairs() -> None:
    assert words_of(["請求書 No5 한국어 餅"]) == ["請求", "求書", "no5", "한국", "국어", "餅"]


def test_a_document_has_a_bounded_number_of_bounded_words() -> None:
    assert words_of(["x" * 1_000]) == ["x" * LONGEST_WORD]
    assert len(words_of([f"w{number}" for number in range(5_000)], most=100)) == 100


def test_every_value_of_nested_data_is_a_text() -> None:
    data = {"a": "1", "rows": [{"b": 2, "c": None}, {"b": True}], "d": None}

    assert list(texts_in(data)) == ["1", "2", "True"]
