"""``python -m toylab``: the command line."""

from toylab.cli import main

if __name__ == "__main__":
    main()
