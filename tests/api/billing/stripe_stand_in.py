"""A server that speaks as much of Stripe's protocol as we use, on a local port, and the customers' side of it: they subscribe, are
renewed, fail to pay, change their minds. Each such step answers the events that Stripe would send, and `signed` signs one.

Objects have the shape of the API that the library pins: the period is the subscription item's, an invoice's period is its lines'.
"""

import hashlib
import hmac
import itertools
import json
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]

MONTH = 30 * 86400
LIVE = ("active", "trialing", "past_due", "unpaid", "paused", "incomplete")


@dataclass
class StripeStandIn:
    """The server: `with StripeStandIn() as stripe:` then `stripe.url`. `now` is its clock, in seconds; nothing moves it but the test."""

    now: int = 1_790_000_000
    customers: dict[str, Json] = field(default_factory=dict)
    subscriptions: dict[str, Json] = field(default_factory=dict)
    invoices: list[Json] = field(default_factory=list)
    sessions: dict[str, Json] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    away: bool = False
    """Every call is answered with 503."""
    on_read: Callable[[], None] | None = None
    """Called once, after the next list of subscriptions has been read and before it is answered: what happens in between."""
    _ids: Any = field(default_factory=lambda: itertools.count(1))
    _account: str = field(default_factory=lambda: secrets.token_hex(4))
    """In every id: what one server made is never taken for what another did."""
    _by_key: dict[str, Json] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # What customers do. Each answers the events of it.

    def subscribe(self, customer: str, price: str, *, status: str = "active", days: int | None = None) -> list[Json]:
        """A checkout that was completed; `incomplete`: whose payment failed."""
        end = self.now + (MONTH if days is None else days * 86400)
        item = {
            "id": self._id("si"),
            "price": {"id": price},
            "current_period_start": self.now,
            "current_period_end": end,
        }
        subscription: Json = {
            "id": self._id("sub"),
            "object": "subscription",
            "customer": customer,
            "status": status,
            "created": self.now,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "items": {"object": "list", "data": [item]},
        }
        self.subscriptions[subscription["id"]] = subscription
        events = [
            self._event("checkout.session.completed", {"object": "checkout.session", "customer": customer}),
            self._event("customer.subscription.created", subscription),
        ]
        invoice = self._invoice(subscription, "subscription_create", paid=status in ("active", "trialing"))
        return [
            *events,
            self._event("invoice.paid" if invoice["status"] == "paid" else "invoice.payment_failed", invoice),
        ]

    def renew(self, subscription_id: str, *, pays: bool = True) -> list[Json]:
        """The next period begins; the payment for it succeeds at once or fails."""
        subscription = self.subscriptions[subscription_id]
        item = subscription["items"]["data"][0]
        self.now = max(self.now, item["current_period_end"])
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] += MONTH
        subscription["status"] = "active" if pays else "past_due"
        invoice = self._invoice(subscription, "subscription_cycle", paid=pays)
        return [
            self._event("customer.subscription.updated", subscription),
            self._event("invoice.paid" if pays else "invoice.payment_failed", invoice),
        ]

    def pay(self, subscription_id: str) -> list[Json]:
        """What was open is paid after all."""
        subscription = self.subscriptions[subscription_id]
        events = []
        for invoice in self.invoices:
            if invoice["of"] == subscription_id and invoice["status"] == "open":
                invoice["status"] = "paid"
                events.append(self._event("invoice.paid", invoice))
        subscription["status"] = "active"
        return [self._event("customer.subscription.updated", subscription), *events]

    def change_price(self, subscription_id: str, price: str) -> list[Json]:
        """Another plan in the middle of a period: the difference is charged, and no period begins."""
        subscription = self.subscriptions[subscription_id]
        subscription["items"]["data"][0]["price"]["id"] = price
        invoice = self._invoice(subscription, "subscription_update", paid=True, proration=True)
        return [self._event("customer.subscription.updated", subscription), self._event("invoice.paid", invoice)]

    def change(self, subscription_id: str, kind: str = "customer.subscription.updated", **values: Any) -> list[Json]:
        """Any other change of a subscription."""
        subscription = self.subscriptions[subscription_id]
        subscription.update(values)
        return [self._event(kind, subscription)]

    def cancel(self, subscription_id: str) -> list[Json]:
        """It ends now."""
        return self.change(subscription_id, "customer.subscription.deleted", status="canceled")

    # What our side asks.

    def answer(
        self, method: str, path: str, query: dict[str, str], form: dict[str, str], key: str | None
    ) -> tuple[int, Json]:
        with self._lock:
            self.requests.append((method, path))
            if self.away:
                return 503, {"error": {"type": "api_error", "message": "away"}}
            if key is not None and key in self._by_key:
                return 200, self._by_key[key]
            status, body = self._answer(method, path, query, form)
            if key is not None:
                self._by_key[key] = body
            answer = json.loads(json.dumps(body))
        if path == "/v1/subscriptions" and self.on_read is not None:
            hook, self.on_read = self.on_read, None
            hook()
        return status, answer

    def _answer(self, method: str, path: str, query: dict[str, str], form: dict[str, str]) -> tuple[int, Json]:
        match method, path.removeprefix("/v1").strip("/").split("/"):
            case "POST", ["customers"]:
                customer_id = self._id("cus")
                about = {"email": form.get("email"), "metadata": {"user_id": form.get("metadata[user_id]")}}
                self.customers[customer_id] = {"id": customer_id, "object": "customer"} | about
                return 200, self.customers[customer_id]
            case "GET", ["subscriptions"]:
                wanted = None if query.get("status") == "all" else LIVE
                theirs = [each for each in self.subscriptions.values() if each["customer"] == query["customer"]]
                return 200, _list(path, [each for each in theirs if wanted is None or each["status"] in wanted])
            case "DELETE", ["subscriptions", subscription_id]:
                self.cancel(subscription_id)
                return 200, self.subscriptions[subscription_id]
            case "GET", ["invoices"]:
                return 200, _list(
                    path,
                    [
                        each
                        for each in reversed(self.invoices)
                        if each["of"] == query["subscription"] and each["status"] == query["status"]
                    ],
                )
            case "GET", ["checkout", "sessions"]:
                found = [each for each in self.sessions.values() if each["customer"] == query["customer"]]
                return 200, _list(path, [each for each in found if each["status"] == query["status"]])
            case "POST", ["checkout", "sessions"]:
                session_id = self._id("cs")
                self.sessions[session_id] = {
                    "id": session_id,
                    "object": "checkout.session",
                    "status": "open",
                    "url": f"https://checkout.example/{session_id}",
                    "customer": form["customer"],
                    "asked": form,
                }
                return 200, self.sessions[session_id]
            case "POST", ["checkout", "sessions", session_id, "expire"]:
                self.sessions[session_id]["status"] = "expired"
                return 200, self.sessions[session_id]
            case "POST", ["billing_portal", "sessions"]:
                return 200, {
                    "object": "billing_portal.session",
                    "id": self._id("bps"),
                    "url": f"https://portal.example/{form['customer']}",
                }
            case _:
                return 404, {"error": {"type": "invalid_request_error", "message": f"no {method} {path}"}}

    def _invoice(self, subscription: Json, reason: str, *, paid: bool, proration: bool = False) -> Json:
        item = subscription["items"]["data"][0]
        start = self.now if proration else item["current_period_start"]
        line = {
            "object": "line_item",
            "period": {"start": start, "end": item["current_period_end"]},
            "parent": {"type": "subscription_item_details", "subscription_item_details": {"proration": proration}},
        }
        invoice = {
            "id": self._id("in"),
            "object": "invoice",
            "customer": subscription["customer"],
            "status": "paid" if paid else "open",
            "billing_reason": reason,
            "created": self.now,
            # As at Stripe: the invoice's own period is the one before.
            "period_start": start - MONTH,
            "period_end": start,
            "lines": {"object": "list", "data": [line]},
            "of": subscription["id"],
        }
        self.invoices.append(invoice)
        return invoice

    def _event(self, kind: str, about: Json) -> Json:
        # A copy: an event says what was, however late it comes.
        said = json.loads(json.dumps(about))
        return {"id": self._id("evt"), "object": "event", "type": kind, "created": self.now, "data": {"object": said}}

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._account}{next(self._ids):06d}"


def signed(payload: bytes, secret: str, at: float) -> str:
    """The Stripe-Signature header of these bytes, as sent at a moment."""
    mac = hmac.new(secret.encode(), f"{int(at)}.".encode() + payload, hashlib.sha256)
    return f"t={int(at)},v1={mac.hexdigest()}"


def _list(path: str, found: list[Json]) -> Json:
    return {"object": "list", "url": path, "has_more": False, "data": found}


def _handler(stand_in: StripeStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Or each answer, which is written in two parts, waits for the other side's acknowledgement.
        disable_nagle_algorithm = True

        def _respond(self) -> None:
            target = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            assert re.fullmatch(r"Bearer sk_test_\w+", self.headers.get("authorization", "")), "no key"
            query, form = (
                {name: values[0] for name, values in parse_qs(text).items()} for text in (target.query, body)
            )
            status, answer = stand_in.answer(
                self.command,
                target.path,
                query,
                form,
                self.headers.get("idempotency-key") if self.command == "POST" else None,
            )
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _respond  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            """Nothing: a test that fails says what it wants to know."""

    return Handler
