"""Signatures that others verify, addresses that nothing is sent to, and requests that end."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from ingestio.errors import InvalidRequest
from ingestio.webhooks.addresses import Addresses
from ingestio.webhooks.sending import Sender
from ingestio.webhooks.signing import new_secret, signed_headers
from tests.webhooks.receiver import Receiver, receiving

HERE = [ipaddress.ip_network("127.0.0.0/8")]
BODY = '{"type":"batch.completed","data":{"name":"株式会社"}}'.encode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """May reach this machine, as an operator can allow."""
    one = Sender(Addresses(HERE))
    yield one
    await one.close()


def test_a_signature_is_what_an_independent_library_expects() -> None:
    secret = new_secret()
    headers = signed_headers("msg_1", datetime.now(UTC), BODY, [secret])

    assert Webhook(secret).verify(BODY, headers)["type"] == "batch.completed"
    for wrong in (BODY.replace(b"batch", b"botch"), BODY + b" "):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(wrong, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)


def test_while_a_secret_is_replaced_both_verify() -> None:
    old, new = new_secret(), new_secret()
    headers = signed_headers("msg_1", datetime.now(UTC), BODY, [new, old])

    for secret in (old, new):
        Webhook(secret).verify(BODY, headers)


async def test_an_event_arrives_whole_and_the_heads_are_kept(sender: Sender, receiver: Receiver) -> None:
    receiver.answers.append((202, {"X-Answer": "thanks"}))

    attempt = await sender.post(receiver.url, BODY, {"webhook-id": "msg_1"})

    assert (attempt.succeeded, attempt.status, attempt.error) == (True, 202, None)
    assert attempt.response is not None
    assert attempt.response["x-answer"] == "thanks"
    (received,) = receiver.received
    assert received.body == BODY
    assert {name: received.headers[name] for name in attempt.request} == attempt.request


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(sender: Sender, receiver: Receiver, status: int) -> None:
    receiver.answers.append((status, {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}))

    attempt = await sender.post(receiver.url, BODY, {})

    assert (attempt.succeeded, attempt.status) == (False, status)
    assert [each.path for each in receiver.received] == ["/hooks"]


async def test_nobody_there_and_nonsense_are_outcomes(sender: Sender) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert (await sender.post(f"http://127.0.0.1:{port}/", BODY, {})).error == "the connection failed"

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(BODY))
        writer.write(b"I am no web server\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        attempt = await sender.post(f"http://127.0.0.1:{port}/", BODY, {})
    assert (attempt.status, attempt.error) == (None, "the answer is not HTTP")


async def test_without_the_operators_word_nothing_reaches_this_machine(receiver: Receiver) -> None:
    sender = Sender(Addresses())
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"):
        attempt = await sender.post(f"http://{host}:{receiver.port}/hooks", BODY, {})
        assert attempt.status is None, host
        assert attempt.error is not None, host
    await sender.close()

    assert receiver.received == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]", "[ff02::1]", "[64:ff9b:1::1]", "[fec0::1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[4000::1]", "[3fff::1]",
        "192.0.0.192",
    ],
)  # fmt: skip
async def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str) -> None:
    with pytest.raises(InvalidRequest):
        await Addresses().check_url(f"https://{address}/hooks")


@pytest.mark.parametrize(
    "url",
    [
        "https://93.184.216.34:0/", "", "example.org", "ftp://93.184.216.34/", "http://93.184.216.34/", "https:///x", "https://user:word@93.184.216.34/",
        "https://93.184.216.34/#part", "https://93.184.216.34:99999/", "https://no-such-host.invalid/", "https://a b/",
        "https://[::1/", "https://" + "a" * 2000, f"https://{'a' * 64}.example/", f"https://{'a.' * 126}example/",
        "https://a%00.example/", "https://x.example.$/", "https://-a.example/", "https://1.2.3.4.0x7f/",
    ],
)  # fmt: skip
async def test_what_is_no_address_of_a_receiver_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await Addresses().check_url(url)
    assert [each.field for each in refused.value.errors] == ["url"]


@pytest.mark.parametrize(
    "host", ["intranet", "db.internal", "printer.local", "x.home.arpa", "x.localhost", "x.test", "x.onion", "10.0.0"]
)
async def test_names_that_are_none_of_the_public_internet_are_refused_whether_they_resolve_or_not(host: str) -> None:
    with pytest.raises(InvalidRequest):
        await Addresses().check_url(f"https://{host}/hooks")


async def test_a_name_that_does_not_resolve_now_is_judged_when_something_is_sent() -> None:
    """A receiver that is not up yet, or a resolver that is away: nothing is sent before its address is known and judged."""
    await Addresses().check_url("https://hooks.no-such-host.example/hooks")
    with pytest.raises(InvalidRequest):
        await Addresses(HERE).check_url("http://hooks.no-such-host.example/hooks")
    sender = Sender(Addresses())
    attempt = await sender.post("https://hooks.no-such-host.example/hooks", BODY, {})
    await sender.close()
    assert attempt.error == "the host's name cannot be resolved"


async def test_public_addresses_and_what_the_operator_names_are_taken() -> None:
    await Addresses().check_url("https://93.184.216.34/hooks")
    await Addresses().check_url("https://[2606:2800:220:1:248:1893:25c8:1946]:8443/hooks?a=b")
    await Addresses(HERE).check_url("http://127.0.0.1:9/hooks")
    with pytest.raises(InvalidRequest):
        await Addresses(HERE).check_url("http://10.0.0.1/hooks")


async def test_a_name_that_changes_its_mind_is_judged_again_at_the_connection(receiver: Receiver) -> None:
    """DNS rebinding: public while the endpoint is made, this machine when the event is sent."""

    class Rebinding(Addresses):
        def __init__(self) -> None:
            super().__init__()
            self.asked = 0

        async def resolve(self, host: str, port: int) -> list[Any]:
            self.asked += 1
            return await super().resolve("93.184.216.34" if self.asked == 1 else "127.0.0.1", port)

    addresses = Rebinding()
    url = f"https://rebinding.example:{receiver.port}/hooks"
    await addresses.check_url(url)
    sender = Sender(addresses)

    attempt = await sender.post(url, BODY, {})

    await sender.close()
    assert attempt.error == "the host has an address that is not of the public internet"
    assert addresses.asked == 2
    assert receiver.received == []
