"""Whose messages are believed to be Clerk's, and what is read in them (R33)."""

import json
from typing import Any

import pytest

from ingestio.auth.clerk import ClerkEvent, ClerkUser, ClerkWebhook
from ingestio.errors import ConfigurationError, InvalidRequest, Unauthenticated
from tests.auth.svix import SECRET, headers, signature

BODY = json.dumps({"type": "user.created", "data": {"id": "user_1"}}).encode()
OTHER = "whsec_" + "A" * 32


@pytest.fixture
def webhook() -> ClerkWebhook:
    return ClerkWebhook(SECRET)


def test_our_signer_signs_as_svix_does() -> None:
    """The example of Svix's documentation."""
    signed = signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_tells_who_the_user_is(webhook: ClerkWebhook) -> None:
    data = {
        "id": "user_29w83sxmDNGwOuEthce5gg56FcC",
        "first_name": "Ann",
        "last_name": "Böhm",
        "image_url": "https://img.example/ann.png",
        "primary_email_address_id": "idn_2",
        "email_addresses": [
            {"id": "idn_1", "email_address": "old@b.example"},
            {"id": "idn_2", "email_address": "ann@b.example"},
        ],
        "updated_at": 1654012591835,
    }
    body = json.dumps({"type": "user.updated", "object": "event", "data": data}).encode()

    assert webhook.read(headers("msg_1", body), body) == ClerkEvent(
        "msg_1",
        "user.updated",
        ClerkUser(
            "user_29w83sxmDNGwOuEthce5gg56FcC",
            "ann@b.example",
            "Ann Böhm",
            "https://img.example/ann.png",
            1654012591835,
        ),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"svix-signature": ""},
        {"svix-signature": "v1,"},
        {"svix-signature": "v1"},
        {"svix-signature": "v1,not base64!"},
        {"svix-signature": "v1,é"},
        {"svix-signature": headers("m", BODY, secret=OTHER)["svix-signature"]},
        {"svix-signature": headers("m", BODY)["svix-signature"].replace("v1,", "v2,")},
        {"svix-id": "another"},
        {"svix-id": ""},
        {"svix-timestamp": ""},
        {"svix-timestamp": "now"},
        {"svix-timestamp": "nan"},
        {"svix-timestamp": "1e400"},
        {"svix-timestamp": "-1"},
    ],
)
def test_a_message_whose_headers_do_not_fit_is_nobodys(webhook: ClerkWebhook, change: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        webhook.read(headers("m", BODY) | change, BODY)


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY.replace(b"user_1", b"user_2"), b"\xff\xfe"])
def test_a_message_with_another_body_is_nobodys(webhook: ClerkWebhook, body: bytes) -> None:
    with pytest.raises(Unauthenticated):
        webhook.read(headers("m", BODY), body)


@pytest.mark.parametrize("age_seconds", [310, 86_400, -310, -86_400])
def test_a_message_that_is_not_fresh_is_refused_however_well_signed(webhook: ClerkWebhook, age_seconds: int) -> None:
    with pytest.raises(Unauthenticated):
        webhook.read(headers("m", BODY, age_seconds=age_seconds), BODY)
    assert webhook.read(headers("m", BODY, age_seconds=280 if age_seconds > 0 else -280), BODY)


def test_while_a_secret_is_changed_one_good_signature_is_enough(webhook: ClerkWebhook) -> None:
    new, old = headers("m", BODY), headers("m", BODY, secret=OTHER)

    new["svix-signature"] = f"{old['svix-signature']} {new['svix-signature']}"

    assert webhook.read(new, BODY).message_id == "m"


@pytest.mark.parametrize(
    "message",
    [
        [],
        {},
        {"type": "user.created"},
        {"type": 7, "data": {"id": "user_1"}},
        {"type": "user.created\x00", "data": {"id": "user_1"}},
        {"type": "user.created", "data": []},
        {"type": "user.created", "data": {}},
        {"type": "user.created", "data": {"id": "../user_1"}},
        {"type": "user.created", "data": {"id": "user_1", "primary_email_address_id": "a", "email_addresses": [1]}},
    ],
)
def test_a_signed_message_of_another_shape_is_refused_as_such(webhook: ClerkWebhook, message: Any) -> None:
    body = json.dumps(message).encode()

    with pytest.raises(InvalidRequest):
        webhook.read(headers("m", body), body)


def test_kinds_that_we_take_no_notice_of_have_no_user(webhook: ClerkWebhook) -> None:
    body = json.dumps({"type": "session.created", "data": {"id": "sess_1"}}).encode()

    assert webhook.read(headers("m", body), body) == ClerkEvent("m", "session.created", None)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "whsec_" + "!" * 32, "whsec_" + "A" * 33])
def test_what_cannot_be_a_secret_stops_the_start(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="CLERK_WEBHOOK_SECRET"):
        ClerkWebhook(secret)
