"""The pages of webhooks: an endpoint with its secret, what was sent to it, and sending it again."""

import json

from fastapi import FastAPI

from tests.api.conftest import User
from tests.api.web.conftest import Browser

PUBLIC = "https://93.184.216.34/hooks"


async def test_an_endpoint_is_made_and_its_secret_shown_once(user: User, app: FastAPI, stranger: Browser) -> None:
    await stranger.sign_in_as(app, user.id)

    made = await stranger.post("/dashboard/webhooks", url=PUBLIC, events="batch.completed")

    assert (made.status_code, made.text.count("whsec_")) == (200, 1)
    (endpoint,) = (await user.get("/webhook-endpoints")).json()["items"]
    assert (endpoint["url"], endpoint["events"]) == (PUBLIC, ["batch.completed"])
    at = f"/dashboard/webhooks/{endpoint['id']}"
    assert at in made.text
    assert "whsec_" not in (await stranger.get("/dashboard/webhooks")).text
    assert "whsec_" not in (await stranger.get(at)).text
    assert (await stranger.post(f"{at}/rotate")).text.count("whsec_") == 1


async def test_a_wrong_address_is_said_beside_its_field(user: User, app: FastAPI, stranger: Browser) -> None:
    await stranger.sign_in_as(app, user.id)

    refused = await stranger.post("/dashboard/webhooks", url="https://169.254.169.254/")

    assert refused.status_code == 422
    assert "not of the public internet" in refused.text
    assert 'value="https://169.254.169.254/"' in refused.text
    assert (await stranger.post("/dashboard/webhooks", url=PUBLIC, origin="http://evil.example")).status_code == 403
    assert (await user.get("/webhook-endpoints")).json()["items"] == []


async def test_deliveries_are_shown_with_their_heads_and_sent_again(
    user: User, app: FastAPI, stranger: Browser
) -> None:
    endpoint = (await user.post("/webhook-endpoints", json={"url": PUBLIC})).json()
    await user.upload([("bad.txt", b"no")])
    await stranger.sign_in_as(app, user.id)
    at = f"/dashboard/webhooks/{endpoint['id']}"
    assert "not sent yet" in (await stranger.get(at)).text
    user.superuser.execute(
        """UPDATE webhook_deliveries SET status = 'failed', attempts = 1, log = '[{"at": "2026-01-01T00:00:00+00:00",
        "milliseconds": 12, "request": {"webhook-id": "msg_1"}, "status": 503, "response": {"server": "<b>"}, "error": null}]'
        WHERE endpoint_id = %s""",
        [endpoint["id"]],
    )

    page = (await stranger.get(at)).text
    assert "&gt; webhook-id: msg_1" in page
    assert "&lt; server: &lt;b&gt;" in page
    (delivery,) = (await user.get(f"/webhook-endpoints/{endpoint['id']}/deliveries")).json()["items"]
    again = await stranger.post(f"{at}/replay", delivery_id=delivery["id"])
    assert (again.status_code, again.headers["location"]) == (303, f"{at}?said=replayed")
    assert (await stranger.post(f"{at}/replay", delivery_id=delivery["id"])).status_code == 409
    assert (await stranger.post(f"{at}/replay", delivery_id="nonsense")).status_code == 404


async def test_deliveries_are_found_by_event_and_by_what_was_sent(user: User, app: FastAPI, stranger: Browser) -> None:
    endpoint = (await user.post("/webhook-endpoints", json={"url": PUBLIC})).json()
    for event, name in (
        ("document.completed", "Order.pdf"),
        ("document.failed", "100%.pdf"),
        ("document.failed", "1000.pdf"),
    ):
        user.superuser.execute(
            "INSERT INTO webhook_deliveries (user_id, endpoint_id, event_type, payload) VALUES (%s, %s, %s, %s)",
            [user.id, endpoint["id"], event, json.dumps({"data": {"filename": name}})],
        )
    await stranger.sign_in_as(app, user.id)
    at = f"/dashboard/webhooks/{endpoint['id']}"

    async def found(query: str) -> set[str]:
        page = (await stranger.get(f"{at}?{query}")).text
        return {name for name in ("Order.pdf", "100%.pdf", "1000.pdf") if f'"{name}"' in page}

    assert await found("") == {"Order.pdf", "100%.pdf", "1000.pdf"}
    assert await found("event=document.failed") == {"100%.pdf", "1000.pdf"}
    assert await found("q=oRDER") == {"Order.pdf"}
    assert await found("q=100%25") == {"100%.pdf"}
    assert await found("q=100&event=document.completed") == set()
    assert "No delivery fits." in (await stranger.get(f"{at}?event=export.completed")).text
    assert await found("event=nothing&q=%00") == {"Order.pdf", "100%.pdf", "1000.pdf"}


async def test_a_disabled_endpoint_is_noticed_and_switched_on(user: User, app: FastAPI, stranger: Browser) -> None:
    endpoint = (await user.post("/webhook-endpoints", json={"url": PUBLIC})).json()
    user.superuser.execute(
        "UPDATE webhook_endpoints SET disabled_at = now(), disabled_reason = 'failing' WHERE id = %s", [endpoint["id"]]
    )
    await stranger.sign_in_as(app, user.id)
    at = f"/dashboard/webhooks/{endpoint['id']}"
    for path in ("/dashboard/webhooks", at):
        assert "failed for three days" in (await stranger.get(path)).text

    assert (await stranger.post(f"{at}/enable")).status_code == 303

    assert (await user.get(f"/webhook-endpoints/{endpoint['id']}")).json()["enabled"]
    assert (await stranger.post(f"{at}/disable")).status_code == 303
    assert "Switched off" in (await stranger.get(at)).text
    assert (await stranger.post(f"{at}/delete")).status_code == 303
    assert (await stranger.get(at)).status_code == 404
