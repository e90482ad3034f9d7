"""The papers of the repository, read: links, paths, and the words that are not used here."""

import enum
import io
import keyword
import os
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
NOT_USED = "## Not used here"

_SKIPPED_FOLDERS = {"var", "node_modules", "__pycache__", "test-output", "vendor", "LC_MESSAGES"}
_TEXTS = {".py", ".md", ".html", ".js", ".css", ".json", ".toml", ".yaml", ".yml", ".conf", ".sh"}
_NAMED_TEXTS = {"Makefile", "Procfile", "Dockerfile", "run"}
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
#: A text that is a name all the same: of a log event, an attribute, a module.
_NAME_IN_TEXT = re.compile(r"[a-z]+(?:[._][a-z]+)+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Where(enum.StrEnum):
    """Where a word is not used; in names of files it never is."""

    EVERYWHERE = "everywhere"
    NAMES = "names"  # sentences may use it
    TYPES = "types"  # other names may, too


@dataclass(frozen=True)
class Word:
    """A word that is not used here, `where` the glossary says."""

    text: str
    instead: str
    where: Where

    @property
    def pattern(self) -> re.Pattern[str]:
        """The word by itself, in a sentence or as a part of a name."""
        spelled = self.text.replace("-", "[-_]").replace(" ", r"[-_\s]+")
        return re.compile(rf"(?<![a-z]){spelled}(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Use:
    """Where a word is used; `line` counts from 1, 0 is the file's own name."""

    path: str
    line: int
    text: str


@cache
def files() -> tuple[Path, ...]:
    """Every file that is written by hand, or from what is."""
    return tuple(sorted(_walk()))


def _walk() -> Iterator[Path]:
    for folder, below, names in os.walk(ROOT):
        below[:] = [one for one in below if _is_read(one)]
        yield from (Path(folder, name) for name in names)


def _is_read(folder: str) -> bool:
    if folder.startswith("."):
        return folder in {".ci", ".github"}
    return folder not in _SKIPPED_FOLDERS


def papers() -> list[Path]:
    """All Markdown files."""
    return [path for path in files() if path.suffix == ".md"]


def texts() -> list[Path]:
    """Code, pages and papers."""
    return [path for path in files() if path.suffix in _TEXTS or path.name in _NAMED_TEXTS]


def shown(path: Path) -> str:
    """A path as papers write it."""
    return path.relative_to(ROOT).as_posix()


def relative_links(paper: Path) -> list[str]:
    """What a paper links to within the repository, without fragments."""
    targets = _LINK.findall(_without_blocks(paper.read_text()))
    return [one.partition("#")[0] for one in targets if not re.match(r"[a-z]+:|#", one)]


def named_paths(text: str) -> list[str]:
    """What a paper names in code quotes that is a path from the top of the repository."""
    quoted = [one.split("::")[0].rstrip("/") for one in _CODE.findall(_without_blocks(text))]
    tops = {path.name for path in ROOT.iterdir()}
    return [one for one in quoted if "/" in one and one.split("/")[0] in tops and " " not in one]


def named_tests(text: str) -> list[tuple[str, str]]:
    """The tests that a paper names as `path::name`."""
    return [(path, name) for path, name in re.findall(r"`([\w/.-]+\.py)::(\w+)`", text)]


def _without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def words_not_used(glossary: str) -> list[Word]:
    """The rows of the glossary's last table. Raises ValueError for one that cannot be read."""
    table = glossary.partition(NOT_USED)[2]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [word for row in rows for word in _words(row)]


def _words(row: str) -> Iterator[Word]:
    olds, where, instead = (cell.strip() for cell in row.strip("|").split("|"))
    if not (olds and instead):
        raise ValueError(f"expected old words, where, and the word instead: {row}")
    for old in olds.split(","):
        yield Word(old.strip(), instead, Where(where))


def uses(word: Word) -> Iterator[Use]:
    """Where `word` is used, in the names of files as well."""
    pattern = word.pattern
    for path in texts():
        if pattern.search(_apart(shown(path))):
            yield Use(shown(path), 0, path.name)
        for line, text in _places(path, word.where):
            if pattern.search(text):
                yield Use(shown(path), line, text.strip())


def _places(path: Path, where: Where) -> list[tuple[int, str]]:
    if where is Where.EVERYWHERE:
        return _sentences(path)
    names = _names(path)
    return names if where is Where.NAMES else [one for one in names if one[1][:1].isupper()]


@cache
def _sentences(path: Path) -> list[tuple[int, str]]:
    return list(enumerate(_apart(path.read_text()).splitlines(), start=1))


@cache
def _names(path: Path) -> list[tuple[int, str]]:
    """Names of a Python file; those of tests are sentences."""
    if path.suffix != ".py":
        return []
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return [(one.start[0], _apart(one.string)) for one in tokens if _is_name(one)]


def _is_name(token: tokenize.TokenInfo) -> bool:
    if token.type == tokenize.STRING:
        return _NAME_IN_TEXT.fullmatch(token.string.strip("\"'")) is not None
    is_kept = token.string.startswith("test_") or keyword.iskeyword(token.string)
    return token.type == tokenize.NAME and not is_kept


def _apart(text: str) -> str:
    """`WriteLock` as `Write_Lock`: each word by itself."""
    return _HUMP.sub("_", text)
