"""git and the other programs the bot drives. It never decides and never talks to a forge's API."""
