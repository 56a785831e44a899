"""What whoever runs the bot can see of it and tell it, from the database alone.

It must never reach for a forge: who looks after the bot need not hold its credentials.
"""
