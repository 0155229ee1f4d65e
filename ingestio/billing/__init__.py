"""Plans and payment."""
