"""The catalogues are current, complete, compiled, and say one thing in one way."""

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest
import texts
from babel.messages.catalog import Message

_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]|\{\w+\}")
_CASES = [(package, code) for package in texts.PACKAGES for code in texts.TRANSLATED]
_catalogues = pytest.mark.parametrize(
    ("package", "language"), _CASES, ids=[f"{one.name}-{code}" for one, code in _CASES]
)


def messages(package: Path, language: str) -> list[Message]:
    return [one for one in texts.read(texts.catalogue_path(package, language), language) if one.id]


@pytest.mark.parametrize("package", texts.PACKAGES, ids=lambda one: one.name)
def test_catalogues_hold_what_stands_in_the_code(package: Path) -> None:
    wanted = {one.id for one in texts.extracted(package) if one.id}
    for language in texts.TRANSLATED:
        held = {one.id for one in messages(package, language)}
        assert held == wanted, f"make texts; {held ^ wanted}"


@_catalogues
def test_every_text_is_translated_with_its_placeholders(package: Path, language: str) -> None:
    for one in messages(package, language):
        sources = one.id if isinstance(one.id, tuple) else (one.id,)
        targets = one.string if isinstance(one.string, tuple) else (one.string,)
        assert all(targets), f"no translation of {one.id!r}"
        assert not one.fuzzy, one.id
        for source, target in zip(sources, targets, strict=True):
            assert sorted(_PLACEHOLDER.findall(target)) == sorted(_PLACEHOLDER.findall(source)), (
                one.id
            )
            assert target[:1].isspace() == source[:1].isspace(), one.id
            assert target[-1:].isspace() == source[-1:].isspace(), one.id


@_catalogues
def test_compiled_catalogue_is_that_of_its_source(package: Path, language: str) -> None:
    path = texts.catalogue_path(package, language)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for one in messages(package, language):
        if isinstance(one.id, str):
            assert compiled.gettext(one.id) == one.string, "make texts"
        else:
            forms = [compiled.ngettext(*one.id, count) for count in (1, 2)]
            assert forms == list(one.string), "make texts"


@pytest.mark.parametrize(
    "source", list(texts.sources()), ids=lambda one: f"{one.parts[-5]}-{one.stem}"
)
def test_compiled_catalogue_has_the_same_bytes_every_time(source: Path, tmp_path: Path) -> None:
    copy = tmp_path / source.parent.parent.name / "LC_MESSAGES" / source.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(source.read_bytes())
    texts.compile_catalogue(copy)
    assert copy.with_suffix(".mo").read_bytes() == source.with_suffix(".mo").read_bytes()


@pytest.mark.parametrize("language", texts.TRANSLATED)
def test_a_text_of_several_packages_has_one_translation(language: str) -> None:
    known: dict[str, str] = {}
    for package in texts.PACKAGES:
        for one in messages(package, language):
            assert known.setdefault(str(one.id), str(one.string)) == str(one.string), one.id


class Texts(HTMLParser):
    """What people would read of a template besides its expressions."""

    NAMED = frozenset({"title", "placeholder", "aria-label", "alt", "data-confirm"})
    CODE = frozenset({"script", "style", "code"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.found += [value or "" for name, value in attrs if name in self.NAMED]

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag not in self.CODE:
            self.found.append(data)


_JINJA = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
#: Names and formats, the same in every language.
_NO_TEXTS = {"Kiungo", "CSV", "PDF", "JSON", "XML", "UTC", "aria-describedby", "aria-invalid"}
_TEMPLATES = sorted(
    one
    for package in texts.PACKAGES
    for one in package.glob("**/templates/**/*.html")
    if one.name not in {"swagger.html", "mail.html"}
)


@pytest.mark.parametrize("template", _TEMPLATES, ids=lambda one: one.name)
def test_no_text_of_a_template_is_outside_the_catalogues(template: Path) -> None:
    page = Texts()
    page.feed(_JINJA.sub(" ", template.read_text("utf-8")))
    words = {word for text in page.found for word in re.findall(r"[A-Za-z][A-Za-z-]+", text)}
    assert not words - _NO_TEXTS - {"true"}


_MODULES = [one for package in texts.PACKAGES for one in package.glob("**/*.py")]
_MARKS = {"_", "N_", "gettext", "ngettext"}
_SENTENCE = re.compile(r"[A-Z][^<>=]* [^<>=]*\.")


def strings(tree: ast.AST, *within: type[ast.AST]) -> Iterator[ast.Constant]:
    """Each string below nodes of these types."""
    for node in ast.walk(tree):
        if isinstance(node, within):
            yield from (one for one in ast.walk(node) if isinstance(one, ast.Constant))


def marked(tree: ast.AST) -> Iterator[ast.Constant]:
    """Each string that is an argument of a mark."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _MARKS:
            yield from (one for one in node.args if isinstance(one, ast.Constant))


def test_no_text_is_marked_in_an_f_string_where_the_extractor_does_not_look() -> None:
    for module in _MODULES:
        tree = ast.parse(module.read_text("utf-8"))
        lost = set(marked(tree)) & set(strings(tree, ast.JoinedStr))
        assert not lost, (module, [one.value for one in lost])


def test_no_sentence_of_the_console_is_outside_the_catalogues() -> None:
    for module in _MODULES:
        if "console" not in module.parts:
            continue
        tree = ast.parse(module.read_text("utf-8"))
        docstrings = set(strings(tree, ast.Expr)) - set(strings(tree, ast.Call))
        said = set(strings(tree, ast.Module)) - docstrings - set(marked(tree))
        outside = [one.value for one in said if _SENTENCE.fullmatch(str(one.value))]
        assert not outside, (module, outside)
