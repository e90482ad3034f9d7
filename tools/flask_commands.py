"""`python flask_commands.py JSON`: several commands of several apps, one after the other.

JSON is a list of `[app, *arguments]`. Loading what the apps share takes longer than most of their
commands do, and `make up` shall be quick.
"""

import json
import sys

from click import ClickException
from flask.cli import cli


def main(commands: list[list[str]]) -> None:
    """Run them as `flask --app APP …` would; the first that fails ends the process."""
    for app, *arguments in commands:
        try:
            # click raises Exit(0) for a command that ends early on purpose.
            cli.main(["--app", app, *arguments], prog_name="flask", standalone_mode=False)
        except ClickException as exc:
            sys.exit(f"flask --app {app} {' '.join(arguments)}: {exc.format_message()}")
        except Exception:
            print(f"flask --app {app} {' '.join(arguments)} failed:", file=sys.stderr)
            raise


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
