"""Outgoing webhooks: signatures, addresses, requests."""
