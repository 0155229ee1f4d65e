"""Both clients over a real socket: what they send, what they repeat, and what they never repeat."""

import io
import json
import os
import resource
import socket
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from ingestio.client import ApiError, File, Ingestio, InvalidRequest, Unavailable
from ingestio.client.models import Batch
from ingestio.domain.batches import BatchStatus
from ingestio.errors import FieldError
from tests.client.conftest import Connect, Talk
from tests.client.stand_in import batch, document, hangs_up, problem, says

AWAY = problem(503, "unavailable", headers={"Retry_After": "0"})


def _files(folder: Path, *contents: bytes) -> list[Path]:
    paths = []
    for number, content in enumerate(contents):
        path = folder / f"{number}.pdf"
        path.write_bytes(content)
        paths.append(path)
    return paths


def _submit(client: Ingestio, files: list[Path]) -> Batch:
    return client.batches.submit(files)


def test_a_batch_goes_out_as_one_form_with_its_files_in_order(talk: Talk, tmp_path: Path) -> None:
    opened = io.BytesIO(b"skipped%PDF-open")
    opened.seek(7)
    one, empty = _files(tmp_path, b"%PDF-one", b"")
    files: list[File] = [str(one), empty, ('sub/Rechnung "Ä".pdf', one), ("bytes.pdf", b"%PDF-b"), ("open.pdf", opened)]
    with talk(says(batch(), 202)) as (server, client):
        made = client.batches.submit(files, prompts={0: "a", 2: "ü"}, name="Monday", all_or_nothing=True)
    assert made.status is BatchStatus.QUEUED
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/api/v1/batches")
    assert asked.headers["authorization"] == "Bearer secret-token"
    assert asked.headers["content-length"] == str(len(asked.body))
    fields = {name: content.decode() for name, filename, content in asked.parts if filename is None}
    assert json.loads(fields.pop("per_document_prompts")) == {"0": "a", "2": "ü"}
    assert fields == {"prompt_strategy": "per_document", "name": "Monday", "all_or_nothing": "true"}
    sent = [(name, content) for name, filename, content in asked.parts if filename is not None]
    contents = [b"%PDF-one", b"", b"%PDF-one", b"%PDF-b", b"%PDF-open"]
    assert sent == [("files", content) for content in contents]
    assert 'filename="sub/Rechnung %22Ä%22.pdf"'.encode() in asked.body
    assert not opened.closed


@pytest.mark.parametrize(
    ("options", "strategy"), [({}, "auto"), ({"prompt": "p"}, "global"), ({"prompts": ["p"]}, "per_document")]
)
def test_the_strategy_follows_from_the_prompts(
    talk: Talk, tmp_path: Path, options: dict[str, str], strategy: str
) -> None:
    with talk(says(batch(), 202)) as (server, client):
        client.batches.submit(_files(tmp_path, b"a"), **options)  # type: ignore[arg-type]
    fields = {name: content.decode() for name, filename, content in server.asked[0].parts if filename is None}
    assert fields["prompt_strategy"] == strategy


def test_an_upload_whose_answer_was_lost_goes_again_whole_with_the_same_key(talk: Talk, tmp_path: Path) -> None:
    heard: list[int] = []
    with talk(hangs_up, AWAY, says(batch(), 202)) as (server, client):
        client.batches.submit(_files(tmp_path, b"x" * 100_000), on_bytes=heard.append)
    assert len(server.asked) == 3
    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 1
    assert {asked.parts[-1][2] for asked in server.asked} == {b"x" * 100_000}
    assert sum(heard) == 100_000
    assert -100_000 in heard


def test_a_draft_s_file_goes_out_raw_and_again_from_its_beginning(talk: Talk, tmp_path: Path) -> None:
    (path,) = _files(tmp_path, b"x" * 100_000)
    with talk(hangs_up, says(document(1), 201)) as (server, client):
        client.drafts.put("b1", "one", path, position=3)
    assert [asked.body for asked in server.asked] == [b"x" * 100_000] * 2
    asked = server.asked[1]
    assert (asked.method, asked.path) == ("PUT", "/api/v1/batches/b1/files/one?filename=0.pdf&position=3")
    assert asked.headers["content-length"] == "100000"
    assert "transfer-encoding" not in asked.headers


def test_two_submissions_never_share_a_key(talk: Talk, tmp_path: Path) -> None:
    with talk(says(batch(), 202)) as (server, client):
        _submit(client, _files(tmp_path, b"a"))
        _submit(client, _files(tmp_path, b"a"))
    assert server.asked[0].headers["idempotency-key"] != server.asked[1].headers["idempotency-key"]


def test_more_files_go_out_than_may_be_open_at_once(talk: Talk, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with talk(says(batch(), 202)) as (server, client), ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/dev/fd").iterdir())) + 20, hard))
        _submit(client, _files(tmp_path, *[b"x"] * 300))
    assert len([part for part in server.asked[0].parts if part[0] == "files"]) == 300


def test_a_refusal_carries_everything_that_the_service_said(talk: Talk, tmp_path: Path) -> None:
    refusal = problem(
        422,
        "invalid_request",
        title="Invalid",
        errors=[{"field": f"f{number}", "message": f"m{number}"} for number in range(5)],
        batch_id="b7",
    )
    with talk(refusal) as (server, client), pytest.raises(ApiError) as caught:
        _submit(client, _files(tmp_path, b"a"))
    error = caught.value
    assert (error.status, error.code, error.title, error.trace_id) == (422, "invalid_request", "Invalid", "abc")
    assert error.errors[0] == FieldError("f0", "m0")
    assert len(error.errors) == 5
    assert error.members == {"batch_id": "b7"}
    assert error.detail == "d invalid_request"
    assert str(error) == "d invalid_request f0: m0. f1: m1. f2: m2. ..."
    assert error.__notes__ == ["HTTP 422 invalid_request, trace id abc"]
    assert len(server.asked) == 1


def test_reads_ride_out_a_restart_and_a_busy_service(talk: Talk) -> None:
    busy = problem(429, "rate_limited", headers={"Retry_After": "0"})
    with talk(hangs_up, says(b"", 502), busy, AWAY, says(batch("processing"))) as (server, client):
        assert client.batches.get("b1").status is BatchStatus.PROCESSING
    assert len(server.asked) == 5


def test_a_service_that_stays_away_is_unavailable_within_the_patience(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with connect(url, "t", patience=0.3) as client, pytest.raises(Unavailable, match=url):
        client.batches.get("b1")


def test_a_service_that_says_nothing_is_not_waited_for_longer_than_the_timeout(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with connect(url, "t", timeout=0.1, patience=0) as client, pytest.raises(Unavailable, match="ReadTimeout"):
            client.batches.get("b1")


@pytest.mark.parametrize("when", ["3600", format_datetime(datetime(2099, 1, 1, tzinfo=UTC), usegmt=True)])
def test_a_service_that_says_to_come_back_too_late_is_not_waited_for(talk: Talk, when: str) -> None:
    with talk(problem(503, "unavailable", headers={"Retry_After": when})) as (server, client):
        with pytest.raises(ApiError) as caught:
            client.batches.get("b1")
    assert caught.value.code == "unavailable"
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= 3600
    assert len(server.asked) == 1


def test_what_may_do_harm_twice_is_not_repeated_when_its_answer_was_lost(talk: Talk) -> None:
    with talk(hangs_up) as (server, client):
        for harmful in (
            lambda: client.batches.retry("b1"),
            lambda: client.drafts.submit("b1"),
            lambda: client.documents.extract("d1"),
            lambda: client.documents.correct("d1", {"total": "1"}, revision=1),
            lambda: client.webhooks.create("https://example.org"),
        ):
            with pytest.raises(Unavailable):
                harmful()
    assert len(server.asked) == 5


@pytest.mark.parametrize("action", ["cancel", "pause", "resume"])
def test_wishes_that_may_be_said_twice_are_repeated(talk: Talk, action: str) -> None:
    with talk(hangs_up, says(batch("processing"), 202)) as (server, client):
        getattr(client.batches, action)("b1")
    assert [asked.path for asked in server.asked] == [f"/api/v1/batches/b1/{action}"] * 2


def test_a_deletion_whose_answer_was_lost_is_done_when_nothing_is_found_any_more(talk: Talk) -> None:
    with talk(hangs_up, problem(404, "not_found")) as (server, client):
        client.documents.delete("d1")
        assert [asked.method for asked in server.asked] == ["DELETE"] * 2
        with pytest.raises(ApiError, match="not_found"):
            client.documents.delete("d1")


def test_a_retry_sends_its_prompt(talk: Talk) -> None:
    with talk(says(batch(), 202)) as (server, client):
        client.batches.retry("b1", prompt="again")
    assert json.loads(server.asked[0].body) == {"prompt": "again"}


def test_documents_come_from_every_page_as_they_are_asked_for(talk: Talk) -> None:
    first = says({"items": [document(1), document(2)], "next_cursor": "c+/="})
    last = says({"items": [document(3, error={"code": "no_text", "message": "m"})], "next_cursor": None})
    with talk(first, last) as (server, client):
        found = client.batches.documents("b1")
        assert [next(found).id, next(found).id] == ["d1", "d2"]
        assert len(server.asked) == 1
        (third,) = found
    assert third.error is not None
    assert server.asked[1].path == "/api/v1/batches/b1/documents?limit=200&cursor=c%2B%2F%3D"


def test_a_field_that_came_later_is_there_all_the_same(talk: Talk) -> None:
    with talk(says(batch())) as (_, client):
        assert client.batches.get("b1").model_extra == {"added_next_year": 1}


def test_an_id_leads_nowhere_else(talk: Talk) -> None:
    with talk(says(batch())) as (server, client):
        client.batches.get("../account?x=1")
        with pytest.raises(ApiError):
            client.batches.get("..")
    assert [asked.path for asked in server.asked] == ["/api/v1/batches/..%2Faccount%3Fx%3D1"]


@pytest.mark.parametrize("content", [b"<html>", {"id": "b1"}, []])
def test_an_answer_of_something_else_is_said_to_be_so(talk: Talk, content: object) -> None:
    with talk(says(content)) as (_, client), pytest.raises(ApiError) as caught:
        client.batches.get("b1")
    assert caught.value.code == "unexpected_answer"


def test_a_proxy_s_error_page_is_a_problem_with_its_status(talk: Talk) -> None:
    with talk(says(b"<html>", 413)) as (_, client), pytest.raises(ApiError) as caught:
        client.batches.get("b1")
    assert (caught.value.status, caught.value.code) == (413, "unexpected_answer")


def test_a_file_that_cannot_be_sent_is_named_before_anything_is_sent(talk: Talk, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    (path,) = _files(tmp_path, b"a")
    with talk(says(batch(), 202)) as (server, client), os.fdopen(reader, "rb") as pipe, path.open() as text:
        for file, said in (
            (tmp_path / "gone.pdf", r"gone\.pdf"),
            (b"%PDF", "name"),
            (pipe, "seekable"),
            (text, "binary"),
        ):
            with pytest.raises(InvalidRequest, match=said):
                client.batches.submit([file])  # type: ignore[list-item]
        with pytest.raises(InvalidRequest, match="list"):
            client.batches.submit(str(path))
        with pytest.raises(InvalidRequest, match="both"):
            client.batches.submit([path], prompt="p", prompts=["p"])
    assert server.asked == []


def test_a_file_that_shrinks_while_it_is_read_stops_the_upload(talk: Talk, tmp_path: Path) -> None:
    (path,) = _files(tmp_path, b"x" * 1_000_000)

    def shrink(_: int) -> None:
        os.truncate(path, 10)

    with talk(says(batch(), 202)) as (_, client), pytest.raises(InvalidRequest, match="shorter"):
        client.batches.submit([path], on_bytes=shrink)


def test_a_file_that_grows_is_sent_as_long_as_it_was(talk: Talk, tmp_path: Path) -> None:
    (path,) = _files(tmp_path, b"x" * 100_000)

    def grow(_: int) -> None:
        with path.open("ab") as file:
            file.write(b"y")

    with talk(says(batch(), 202)) as (server, client):
        client.batches.submit([path], on_bytes=grow)
    assert server.asked[0].parts[-1][2] == b"x" * 100_000


def test_the_token_is_in_no_message(talk: Talk) -> None:
    with talk(problem(401, "unauthenticated")) as (_, client), pytest.raises(ApiError) as caught:
        client.batches.get("b1")
    assert "secret-token" not in f"{caught.value!r}{caught.value}{caught.value.__notes__}"


def test_an_address_without_a_scheme_is_said_at_once(connect: Connect) -> None:
    with pytest.raises(InvalidRequest, match="localhost:8000"), connect("localhost:8000", "t"):
        pass
