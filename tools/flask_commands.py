"""`python flask_commands.py JSON`: several commands of several apps, one after the other.

JSON is a list of `[app, *arguments]`. Loading what the apps share, and building an app, takes
longer than most of their commands do, and `make up` shall be quick.
"""

import json
import sys

from click import ClickException
from flask.cli import ScriptInfo, cli


def main(commands: list[list[str]]) -> None:
    """Run them as `flask --app APP …` would; the first that fails ends the process."""
    built: dict[str, ScriptInfo] = {}
    for app, *arguments in commands:
        info = built.setdefault(app, ScriptInfo(app_import_path=app))
        try:
            # click raises Exit(0) for a command that ends early on purpose.
            cli.main(arguments, prog_name="flask", standalone_mode=False, obj=info)
        except ClickException as exc:
            sys.exit(f"flask --app {app} {' '.join(arguments)}: {exc.format_message()}")
        except Exception:
            print(f"flask --app {app} {' '.join(arguments)} failed:", file=sys.stderr)
            raise
        if arguments[0].endswith("-key"):
            del built[app]  # an app reads its keys when it is built


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
