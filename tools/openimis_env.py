"""`make openimis`'s first part: an openIMIS in an environment of its own, `var/openimis`.

    python tools/openimis_env.py

Its packages are not ours and not compatible with ours; they are installed at the versions of
`integrations/openimis-be-kiungo/tests/requirements.txt`, once for each content of that file.
1: they cannot be installed here; the reason is printed.
"""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULE = ROOT / "integrations" / "openimis-be-kiungo"
REQUIREMENTS = MODULE / "tests" / "requirements.txt"
FOLDER = ROOT / "var" / "openimis"
PYTHON = FOLDER / "bin" / "python"
#: What was installed last.
INSTALLED = FOLDER / "installed.txt"


def main() -> int:
    """Install it, if it is not there as it should be."""
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if INSTALLED.is_file() and INSTALLED.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"Installing openIMIS into {FOLDER.relative_to(ROOT)} (some minutes, once) …", flush=True)
    venv.EnvBuilder(with_pip=True, clear=True).create(FOLDER)
    pip = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run([*pip, "install", "--no-deps", "-r", str(REQUIREMENTS)], check=False)
    if done.returncode:
        print("openIMIS cannot be installed here; pip says why above", file=sys.stderr)
        return 1
    INSTALLED.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
