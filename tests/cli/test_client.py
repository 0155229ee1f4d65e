"""The client over a real socket: what it sends, what it repeats, and what it never repeats."""

import json
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ingestio.client import Batch, Client, ProblemError
from ingestio.domain.batches import BatchStatus, PromptStrategy
from ingestio.errors import InvalidRequest, Unavailable
from ingestio.uploads import Upload
from tests.cli.stand_in import Reply, StandIn, batch, document, hangs_up, problem, says


@contextmanager
def _talking(*replies: Reply, patience_seconds: float = 5.0) -> Iterator[tuple[StandIn, Client]]:
    with StandIn(list(replies)).serving() as server:
        with Client(server.url, "secret-token", patience_seconds=patience_seconds) as client:
            yield server, client


def _files(folder: Path, *contents: bytes) -> list[Upload]:
    uploads = []
    for number, content in enumerate(contents):
        path = folder / f"{number}.pdf"
        path.write_bytes(content)
        uploads.append(Upload(path))
    return uploads


def _submit(client: Client, files: list[Upload]) -> Batch:
    return client.submit_batch(files, strategy=PromptStrategy.AUTO)


def test_a_batch_goes_out_as_one_form_with_its_files_in_order(tmp_path: Path) -> None:
    uploads = [*_files(tmp_path, b"%PDF-one", b""), Upload(tmp_path / "0.pdf", 'sub/Rechnung "Ä".pdf')]
    with _talking(says(batch(), 202)) as (server, client):
        made = client.submit_batch(
            uploads, strategy=PromptStrategy.PER_DOCUMENT, prompts={0: "a", 2: "ü"}, name="Monday", all_or_nothing=True
        )
    assert made.status is BatchStatus.QUEUED
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/api/v1/batches")
    assert asked.headers["authorization"] == "Bearer secret-token"
    assert asked.headers["content-length"] == str(len(asked.body))
    fields = {name: content.decode() for name, filename, content in asked.parts if filename is None}
    assert json.loads(fields.pop("per_document_prompts")) == {"0": "a", "2": "ü"}
    assert fields == {"prompt_strategy": "per_document", "name": "Monday", "all_or_nothing": "true"}
    sent = [(name, content) for name, filename, content in asked.parts if filename is not None]
    assert sent == [("files", b"%PDF-one"), ("files", b""), ("files", b"%PDF-one")]
    assert 'filename="sub/Rechnung %22Ä%22.pdf"'.encode() in asked.body


def test_an_upload_whose_answer_was_lost_goes_again_with_the_same_key(tmp_path: Path) -> None:
    heard: list[int] = []
    with _talking(hangs_up, problem(503, "unavailable", headers={"Retry_After": "0"}), says(batch(), 202)) as (
        server,
        client,
    ):
        client.submit_batch(_files(tmp_path, b"x" * 100_000), strategy=PromptStrategy.AUTO, on_bytes=heard.append)
    assert len(server.asked) == 3
    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 1
    assert {asked.parts[-1][2] for asked in server.asked} == {b"x" * 100_000}
    assert sum(heard) == 100_000
    assert -100_000 in heard


def test_two_submissions_never_share_a_key(tmp_path: Path) -> None:
    with _talking(says(batch(), 202)) as (server, client):
        _submit(client, _files(tmp_path, b"a"))
        _submit(client, _files(tmp_path, b"a"))
    assert server.asked[0].headers["idempotency-key"] != server.asked[1].headers["idempotency-key"]


def test_more_files_go_out_than_may_be_open_at_once(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with _talking(says(batch(), 202)) as (server, client), ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/dev/fd").iterdir())) + 20, hard))
        _submit(client, _files(tmp_path, *[b"x"] * 300))
    assert len([part for part in server.asked[0].parts if part[0] == "files"]) == 300


def test_a_refusal_carries_the_service_s_words(tmp_path: Path) -> None:
    with _talking(problem(402, "quota_exceeded", batch_id="b7")) as (server, client):
        with pytest.raises(ProblemError) as caught:
            _submit(client, _files(tmp_path, b"a"))
    error = caught.value
    assert (error.status, error.code, error.detail, error.trace_id) == (
        402,
        "quota_exceeded",
        "d quota_exceeded",
        "abc",
    )
    assert error.extra == {"batch_id": "b7"}
    assert len(server.asked) == 1


def test_reads_ride_out_a_restart_and_a_busy_service() -> None:
    busy = problem(429, "rate_limited", headers={"Retry_After": "0"})
    away = problem(503, "unavailable", headers={"Retry_After": "0"})
    with _talking(busy, away, hangs_up, says(batch("processing"))) as (server, client):
        assert client.batch("b1").status is BatchStatus.PROCESSING
    assert len(server.asked) == 4


def test_a_service_that_stays_away_is_unavailable_within_the_patience() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with Client(url, "t", patience_seconds=0.3) as client, pytest.raises(Unavailable, match=url):
        client.batch("b1")


def test_a_service_that_says_to_come_back_too_late_is_not_waited_for() -> None:
    with _talking(problem(503, "unavailable", headers={"Retry_After": "3600"})) as (_, client):
        with pytest.raises(ProblemError) as caught:
            client.batch("b1")
    assert caught.value.code == "unavailable"


def test_a_retry_whose_answer_was_lost_is_not_repeated() -> None:
    with _talking(hangs_up) as (server, client), pytest.raises(Unavailable):
        client.retry("b1")
    assert len(server.asked) == 1


@pytest.mark.parametrize("action", ["cancel", "pause", "resume"])
def test_wishes_that_may_be_said_twice_are_repeated(action: str) -> None:
    with _talking(hangs_up, says(batch("processing"), 202)) as (server, client):
        getattr(client, action)("b1")
    assert [asked.path for asked in server.asked] == [f"/api/v1/batches/b1/{action}"] * 2


def test_a_retry_sends_its_prompt() -> None:
    with _talking(says(batch(), 202)) as (server, client):
        client.retry("b1", prompt="again")
    assert json.loads(server.asked[0].body) == {"prompt": "again"}


def test_documents_come_from_every_page() -> None:
    first = says({"items": [document(1), document(2)], "next_cursor": "c+/="})
    with _talking(
        first, says({"items": [document(3, error={"code": "no_text", "message": "m"})], "next_cursor": None})
    ) as (
        server,
        client,
    ):
        found = list(client.documents("b1"))
    assert [item.id for item in found] == ["d1", "d2", "d3"]
    assert found[2].error is not None
    assert server.asked[1].path == "/api/v1/batches/b1/documents?limit=200&cursor=c%2B%2F%3D"


def test_watching_ends_with_the_batch() -> None:
    with _talking(says(batch("queued")), says(batch("processing")), says(batch("failed", failed_count=2))) as (
        _,
        client,
    ):
        seen = [item.status.value for item in client.watch("b1", every_seconds=0.001)]
    assert seen == ["queued", "processing", "failed"]


@pytest.mark.parametrize("content", [b"<html>", {"id": "b1"}, []])
def test_an_answer_of_something_else_is_said_to_be_so(content: object) -> None:
    with _talking(says(content)) as (_, client), pytest.raises(ProblemError) as caught:
        client.batch("b1")
    assert caught.value.code == "unexpected_answer"


def test_a_proxy_s_error_page_is_a_problem_with_its_status() -> None:
    with _talking(says(b"<html>", 413)) as (_, client), pytest.raises(ProblemError) as caught:
        client.batch("b1")
    assert (caught.value.status, caught.value.code) == (413, "unexpected_answer")


def test_a_file_that_is_gone_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    with _talking(says(batch(), 202)) as (server, client), pytest.raises(InvalidRequest, match=r"gone\.pdf"):
        _submit(client, [Upload(tmp_path / "gone.pdf")])
    assert server.asked == []


def test_a_file_that_shrinks_while_it_is_read_stops_the_upload(tmp_path: Path) -> None:
    (upload,) = _files(tmp_path, b"x" * 1_000_000)

    def shrink(_: int) -> None:
        os.truncate(upload.path, 10)

    with _talking(says(batch(), 202)) as (_, client), pytest.raises(InvalidRequest, match="shorter"):
        client.submit_batch([upload], strategy=PromptStrategy.AUTO, on_bytes=shrink)


def test_a_file_that_grows_is_sent_as_long_as_it_was(tmp_path: Path) -> None:
    (upload,) = _files(tmp_path, b"x" * 100_000)

    def grow(_: int) -> None:
        with upload.path.open("ab") as file:
            file.write(b"y")

    with _talking(says(batch(), 202)) as (server, client):
        client.submit_batch([upload], strategy=PromptStrategy.AUTO, on_bytes=grow)
    assert server.asked[0].parts[-1][2] == b"x" * 100_000


def test_the_token_is_in_no_message() -> None:
    with _talking(problem(401, "unauthenticated")) as (_, client), pytest.raises(ProblemError) as caught:
        client.batch("b1")
    assert "secret-token" not in f"{caught.value!r}{caught.value}"
