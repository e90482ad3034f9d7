"""Fill in the placeholders of `nginx/nginx.conf`; nginx's own `$variables` stay as they are."""

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\$\{(KIUNGO_[A-Z_]+)\}")


def placeholders(template: str) -> set[str]:
    """The names that `template` wants a value for."""
    uncommented = re.sub(r"^\s*#.*$", "", template, flags=re.MULTILINE)
    return set(_PLACEHOLDER.findall(uncommented))


def render(template: str, values: Mapping[str, str]) -> str:
    """`template` with every placeholder replaced. Raises KeyError for one without a value."""
    missing = placeholders(template) - values.keys()
    if missing:
        raise KeyError(f"nginx.conf: no value for {', '.join(sorted(missing))}")
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)
