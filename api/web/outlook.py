"""What happens next with somebody's plan, in a sentence or two: what they can count on, and what is up to them."""

from typing import NamedTuple

from api.web.figures import day
from ingestio.db.accounts import ProfileRow
from ingestio.domain.usage import Usage


class Outlook(NamedTuple):
    """`tone` as notices have it: "" tells, "warning" and "bad" ask for something, which `title` says in short."""

    title: str
    text: str
    tone: str = ""


def outlook(profile: ProfileRow, usage: Usage, *, sells: bool) -> Outlook:
    """`sells`: whether there is a payment service behind this instance."""
    status = profile.subscription_status
    if status is None:
        who = "" if sells else " Plans are set by the operator of this instance."
        return Outlook(
            "What happens next", f"A new period begins on {day(usage.period_end)}, and usage starts at 0 again.{who}"
        )
    plan = profile.membership.value.capitalize()
    until = "" if profile.subscription_period_end is None else f" on {day(profile.subscription_period_end)}"
    match status:
        case "active" | "trialing" if profile.subscription_cancel_at is not None:
            ends = day(profile.subscription_cancel_at)
            return Outlook(
                "The subscription ends",
                f"{plan} holds until {ends}; then this account is on Starter. Documents and results stay. "
                "You can take the cancellation back under Manage subscription until then.",
                "warning",
            )
        case "active":
            return Outlook(
                "What happens next", f"{plan} renews{until}. As soon as that is paid, usage starts at 0 again."
            )
        case "trialing":
            return Outlook(
                "A trial", f"The trial of {plan} ends{until}; then the first payment is taken and a new period begins."
            )
        case "past_due":
            return Outlook(
                "The last payment failed",
                "Nothing new is extracted until it is paid; what is running finishes, and documents and results stay. "
                "The payment is tried again for some days. Check the card under Manage subscription.",
                "bad",
            )
        case "unpaid":
            return Outlook(
                "The subscription is unpaid",
                "Payments were tried and failed, and are not tried any more. Nothing new is extracted until the open invoice is paid "
                "under Manage subscription.",
                "bad",
            )
        case "paused":
            return Outlook(
                "The subscription is paused",
                "The trial ended without a card, so nothing new is extracted. Add one under Manage subscription to go on.",
                "warning",
            )
        case "incomplete" | "incomplete_expired":
            return Outlook(
                "The first payment did not succeed",
                "This account stays on Starter. Finish the payment under Manage subscription, or choose a plan again.",
                "warning",
            )
        case "canceled":
            return Outlook(
                "The subscription has ended",
                f"This account is on {plan}. Documents and results stay. Choose a plan to submit batches again.",
            )
        case other:
            return Outlook(
                "The subscription", f"The payment service says: {other}. See Manage subscription.", "warning"
            )
