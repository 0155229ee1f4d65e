"""The end of an account (R86): closed at once, then erased in steps that each leave the rows in agreement.

Closing is one short transaction, after which no credential of the user opens anything. Erasing comes after all that ran has ended: batch
by batch with their documents, then lone documents, then the user with the rest, and only the ledger's lines and the ids of Stripe's events
stay, as nobody's.
"""

from datetime import datetime

from ingestio.db import accounts, api_keys, browser_sessions, erasures, stripe_events, subscriptions, tombstones
from ingestio.db.session import ServiceSession

# One transaction deletes at most so many lone documents; a batch goes as a whole.
DOCUMENTS_AT_ONCE = 500


async def close_account(session: ServiceSession, user_id: str, now: datetime) -> None:
    """Shut every way in, and note that the account is to be erased. Safe to repeat.

    Also for a user of whom we have never heard: the identity provider may tell of their end before their beginning.
    """
    await tombstones.serialize(session, user_id)
    if await tombstones.is_being_erased(session, user_id):
        return
    await tombstones.create(session, user_id, now)
    await browser_sessions.remove_all(session, user_id)
    await api_keys.remove_all(session, user_id)


async def erase_some(session: ServiceSession, user_id: str) -> bool:
    """Delete a batch with its documents, or some lone documents; False when none are left.

    Does nothing for an account that is not closed, whoever asks.
    """
    if not await tombstones.is_being_erased(session, user_id):
        return False
    return bool(
        await erasures.remove_a_batch(session, user_id)
        or await erasures.remove_documents(session, user_id, DOCUMENTS_AT_ONCE)
    )


async def erase_rest(session: ServiceSession, user_id: str, now: datetime) -> bool:
    """Delete the user with all that is left, and leave the ledger's lines and the events of Stripe to nobody.

    False for an account that is not closed.
    """
    if not await tombstones.is_being_erased(session, user_id):
        return False
    await erasures.disown_ledger(session, user_id)
    customer_id = await subscriptions.release(session, user_id)
    if customer_id is not None:
        await stripe_events.forget_customer(session, customer_id, now)
    await accounts.remove(session, user_id)
    return True


async def finish_erasure(session: ServiceSession, user_id: str, now: datetime) -> None:
    """Forget the id as well. Only after everything that is found by it, objects included, is gone."""
    await tombstones.finish(session, user_id, now)
