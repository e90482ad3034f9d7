"""`make secrets`: write `.env.local` for compose.yaml, with a fresh password where one belongs.

Needs nothing but Python; an existing file is left alone.
"""

import os
import re
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: What stands in the example where a password of one's own belongs.
PLACE_HOLDER = "change-me"


def with_fresh_passwords(example: str) -> str:
    """`example` with a different random password for each place holder."""
    return re.sub(
        rf"^([A-Z_]+)={PLACE_HOLDER}$",
        lambda match: f"{match[1]}={secrets.token_hex(24)}",
        example,
        flags=re.MULTILINE,
    )


def main() -> int:
    """Write the file with mode 0600."""
    target = ROOT / ".env.local"
    example = (ROOT / ".env.docker.example").read_text(encoding="utf-8")
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target.name} is there already; it was left as it is.", file=sys.stderr)
        return 1
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(with_fresh_passwords(example))
    print(f"Wrote {target.name}. Read it, then: docker compose --env-file .env.local up --build -d")
    return 0


if __name__ == "__main__":
    sys.exit(main())
