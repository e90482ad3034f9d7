"""`python flask_commands.py APP JSON`: several commands of one app, one after the other.

JSON is a list of argument lists. Loading an app takes longer than most of its commands do, and
`make up` shall be quick.
"""

import json
import sys

from flask.cli import cli


def main(app: str, commands: list[list[str]]) -> None:
    """Run them as `flask --app APP …` would; the first that fails ends the process."""
    for arguments in commands:
        # click raises Exit(0) for a command that ends early on purpose.
        cli.main(["--app", app, *arguments], prog_name="flask", standalone_mode=False)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
