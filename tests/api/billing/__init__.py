"""Money: what Stripe says becomes what an account may do."""
