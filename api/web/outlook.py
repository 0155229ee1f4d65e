"""What happens next with somebody's plan, in a sentence or two: what they can count on, and what is up to them."""

from typing import NamedTuple

from api.web.figures import count, day, number
from ingestio.db.accounts import ProfileRow
from ingestio.domain.plans import PlanTable
from ingestio.domain.usage import Usage

_NEARLY = 0.8  # of a period's pages, from when on it is worth a word


class Outlook(NamedTuple):
    """`tone` as notices have it: "" tells, "warning" and "bad" ask for something, which `title` says in short."""

    title: str
    text: str
    tone: str = ""


def shortage(usage: Usage, plans: PlanTable, *, sells: bool) -> Outlook | None:
    """What to say while there is still time, and when there is none left; None while pages abound or have no limit."""
    if usage.limit is None or usage.remaining is None or usage.processed + usage.reserved < _NEARLY * usage.limit:
        return None
    again = day(usage.period_end)
    larger = any(plan.pages is None or plan.pages > usage.limit for plan in plans.values())
    way = (
        ""
        if not larger
        else " A larger plan holds at once."
        if sells
        else " The operator of this instance can give you a larger plan."
    )
    if usage.remaining:
        return Outlook(
            "The pages of this period are running out",
            f"{count(usage.remaining, 'page')} of {number(usage.limit)} are left until {again}, when usage starts at 0 again. "
            f"Documents that do not fit then fail at once, uncharged, and can be retried.{way}",
            "warning",
        )
    back = " Those that are reserved come back when their document fails or is cancelled." if usage.reserved else ""
    return Outlook(
        "No pages are left in this period",
        f"All {number(usage.limit)} are used or reserved until {again}, when usage starts at 0 again.{back} "
        f"What is submitted now fails at once, uncharged, and can be retried.{way}",
        "bad",
    )


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
