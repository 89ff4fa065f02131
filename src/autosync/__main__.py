"""``python -m autosync``: the command line, where no script is installed."""

from autosync.cli.main import main

if __name__ == "__main__":
    main()
