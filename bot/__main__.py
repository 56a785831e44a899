"""The command line's door: `relbot …` and `python -m bot …` come in here. It must never do anything itself."""

import sys

from bot.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
