"""``python -m toylab`` and the command ``toylab``: they hear a stop before the command line is imported."""

import sys
from typing import NoReturn

from toylab import _stops


def main() -> NoReturn:
    """Run the command line on sys.argv and exit with its code, 130 where it was stopped."""
    try:
        _stops.listen()
        from toylab.cli import app

        app()
    except KeyboardInterrupt:  # before or after the command
        sys.exit(130)
    finally:
        _stops.hush()


if __name__ == "__main__":
    main()
