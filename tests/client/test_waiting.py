"""Waiting, live events and files that come back: what both clients do with an answer that takes its time or breaks off."""

from pathlib import Path

import pytest

from ingestio.client import ApiError, InvalidRequest, StillRunning
from ingestio.client.models import Batch, Document
from ingestio.client.streams import Event, EventReader
from tests.client.conftest import Talk
from tests.client.stand_in import Reply, batch, breaks_off, document, events, export, hangs_up, problem, says

ENDED = batch("completed", completed_count=2)


def test_waiting_for_a_batch_ends_with_the_service_s_word(talk: Talk) -> None:
    stream = events(("batch", batch("processing")), ("document", document(1)), ("batch", ENDED))
    with talk(says(batch("queued")), stream, says(ENDED)) as (server, client):
        assert client.batches.wait("b1").completed_count == 2
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["b1", "events", "b1"]


@pytest.mark.parametrize("stream", [hangs_up, problem(503, "unavailable"), events(("batch", batch("queued")))])
def test_where_live_events_do_not_come_the_batch_is_asked_for(talk: Talk, stream: Reply) -> None:
    with talk(says(batch("queued")), stream, says(ENDED)) as (_, client):
        assert client.batches.wait("b1").has_ended


def test_what_has_not_ended_in_time_is_in_the_error(talk: Talk) -> None:
    with talk(says(document(1, status="processing"))) as (_, client), pytest.raises(StillRunning) as caught:
        client.documents.wait("d1", timeout=0.1)
    assert caught.value.last.status == "processing"
    assert isinstance(caught.value, TimeoutError)


def test_events_come_typed_and_go_on_where_the_line_broke(talk: Talk) -> None:
    before = events(("batch", batch("processing")), ("document", document(1, filename="Ä.pdf")), ("usage", {}))
    after = events(("document", document(2)), ("batch", ENDED), ("batch", batch("queued")))
    with talk(before, after) as (server, client):
        seen = list(client.batches.events("b1"))
    assert [item.id for item in seen] == ["b1", "d1", "d2", "b1"]
    assert [type(item) for item in seen] == [Batch, Document, Document, Batch]
    assert "last-event-id" not in server.asked[0].headers
    assert server.asked[1].headers["last-event-id"] == "3"


def test_events_of_a_batch_that_ended_before_are_none(talk: Talk) -> None:
    with talk(events(("batch", batch("processing"))), says(b"", 204)) as (_, client):
        assert len(list(client.batches.events("b1"))) == 1


def test_events_are_read_however_the_network_cuts_them() -> None:
    text = 'id: 7\nevent: batch\ndata: {"a":\ndata: "ü"}\n\n: ping\n\ndata: x\n\ndata: half'.encode()
    for size in (1, 2, 3, 1000):
        reader = EventReader()
        found = [event for at in range(0, len(text), size) for event in reader.feed(text[at : at + size])]
        assert found == [Event("batch", '{"a":\n"ü"}'), Event("message", "x")]
        assert reader.last_id == "7"


def test_a_download_that_broke_off_begins_again_and_replaces_the_file_when_it_is_whole(
    talk: Talk, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"
    target.write_text("before")
    with talk(breaks_off(b"a,b\r\n1", 9), hangs_up, says(b"a,b\r\n1,2\r\n")) as (server, client):
        assert client.exports.download("e1", target) == target
    assert len(server.asked) == 3
    assert target.read_bytes() == b"a,b\r\n1,2\r\n"
    assert list(tmp_path.iterdir()) == [target]


def test_a_download_that_fails_leaves_what_was_there(talk: Talk, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("before")
    with talk(problem(409, "result_not_ready")) as (server, client):
        with pytest.raises(ApiError):
            client.exports.download("e1", target)
        with pytest.raises(InvalidRequest, match="nowhere"):
            client.exports.download("e1", tmp_path / "nowhere" / "out.csv")
    assert len(server.asked) == 1
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_an_export_is_ordered_awaited_and_saved_in_the_format_of_its_suffix(talk: Talk, tmp_path: Path) -> None:
    replies = [says(export("queued"), 202), says(export("processing")), says(export()), says(b"a\r\n")]
    with talk(*replies) as (server, client):
        client.exports.save(tmp_path / "out.CSV", batch_id="b1")
        with pytest.raises(InvalidRequest, match=r"\.xlsx"):
            client.exports.save(tmp_path / "out.doc", batch_id="b1")
    assert b'"format":"csv"' in server.asked[0].body
    assert "idempotency-key" in server.asked[0].headers
    assert [asked.path for asked in server.asked[1:]] == ["/api/v1/exports/e1"] * 2 + ["/api/v1/exports/e1/file"]
    assert (tmp_path / "out.CSV").read_bytes() == b"a\r\n"


def test_an_export_that_could_not_be_made_says_why(talk: Talk, tmp_path: Path) -> None:
    failed = export("failed", error={"code": "too_large_for_format", "message": "Too many rows."})
    with talk(says(export("queued"), 202), says(failed)) as (_, client), pytest.raises(ApiError) as caught:
        client.exports.save(tmp_path / "out.csv", batch_id="b1")
    assert (caught.value.code, caught.value.detail) == ("too_large_for_format", "Too many rows.")
