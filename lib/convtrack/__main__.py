"""The command `convtrack`: from its first moment on, Ctrl-C is one line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command; see `convtrack.cli`."""
    try:
        from .cli import main as run

        run()
    except KeyboardInterrupt:
        print("convtrack: Stopped. Nothing was written.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
