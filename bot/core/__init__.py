"""Every decision of the bot, as values and generators. It never does I/O and never reads a clock."""
