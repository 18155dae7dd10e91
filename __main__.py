"""Run agentdb as `python -m agentdb`."""

from .cli.app import main

if __name__ == "__main__":
    main()
