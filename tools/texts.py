"""`make texts`: collect the texts that people read into the catalogues, and compile them.

Each package has `locales/<language>/LC_MESSAGES/messages.po`; what is new there has no translation
yet, and `tools/tests/test_texts.py` says so. Other catalogues (`<domain>.po`) are compiled only.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from common.texts import DEFAULT, LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    ROOT / "libs/common/common",
    ROOT / "services/proxy/proxy",
    ROOT / "services/esb-relay/esb_relay",
    ROOT / "services/notification/notification",
    ROOT / "services/policy-notify/policy_notify",
)
TRANSLATED = tuple(code for code in LANGUAGES if code != DEFAULT)
_METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
_KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
#: Of the header: they would change with every run.
_DATES = ("POT-Creation-Date", "PO-Revision-Date")
#: What compiled catalogues say instead: the same source makes the same file.
_NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)


def extracted(package: Path) -> Catalog:
    """The texts of `package`, each with the files that it stands in."""
    found = Catalog()
    rows = extract_from_dir(str(package), _METHODS, {"**": {"silent": "false"}}, _KEYWORDS)
    for name, _line, message, _comments, context in rows:
        found.add(message, locations=[(f"{package.name}/{name}", 1)], context=context)
    return found


def catalogue_path(package: Path, language: str) -> Path:
    """Where the translations of `package` into `language` are."""
    return package / "locales" / language / "LC_MESSAGES" / "messages.po"


def read(path: Path, language: str) -> Catalog:
    """The catalogue at `path`; an empty one where there is none."""
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(package: Path, language: str) -> None:
    """Add what is new in `package` to its catalogue, drop what is gone."""
    path = catalogue_path(package, language)
    catalogue = read(path, language)
    catalogue.update(extracted(package), no_fuzzy_matching=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=100, include_lineno=False, ignore_obsolete=True)
    lines = path.read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(tuple(f'"{one}' for one in _DATES))]
    path.write_text("".join(kept), "utf-8")


def sources() -> Iterator[Path]:
    """Every catalogue of the repository."""
    for package in PACKAGES:
        yield from sorted(package.glob("locales/*/LC_MESSAGES/*.po"))


def compile_catalogue(source: Path) -> None:
    """Write the `.mo` file beside `source`."""
    with source.open("rb") as file:
        catalogue = read_po(file, locale=source.parent.parent.name)
    catalogue.creation_date = catalogue.revision_date = _NO_DATE
    with source.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)


def main() -> None:
    """Bring all catalogues up to date."""
    for package in PACKAGES:
        for language in TRANSLATED:
            update(package, language)
    for source in sources():
        compile_catalogue(source)


if __name__ == "__main__":
    main()
