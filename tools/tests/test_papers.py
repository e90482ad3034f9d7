"""The papers are true: the paths, links and tests that they name are there."""

import itertools
import re
import tomllib
from pathlib import Path

import papers
import pytest
import yaml
from compose_files import CONTAINERS, with_defaults
from papers import ROOT, Where, Word

ARCHITECTURE = ROOT / "docs" / "architecture.md"
WALKS = 5
WORDS = papers.words_not_used(papers.GLOSSARY.read_text())


def _walks() -> dict[str, list[str]]:
    """The files of each walk of docs/architecture.md, in their order."""
    text = ARCHITECTURE.read_text().partition("## Five walks")[2].partition("\n## ")[0]
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    return {one.splitlines()[0]: re.findall(r"^\d+\. `([^`]+)`", one, re.M) for one in sections}


def _hooks() -> list[dict[str, str]]:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    return [hook for repo in config["repos"] for hook in repo["hooks"]]


def _workflow() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    return found


@pytest.mark.parametrize("path", papers.named_paths(ARCHITECTURE.read_text()))
def test_path_that_the_architecture_names_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("paper", papers.papers(), ids=papers.shown)
def test_path_that_a_paper_names_exists(paper: Path) -> None:
    named = papers.named_paths(paper.read_text())
    # What an installation makes is not part of the repository.
    made = ("var/", ".venv/", "test-output/", "libs/*", "services/*", "services/<")
    missing = [one for one in named if not one.startswith(made) and not (ROOT / one).exists()]
    assert not missing


@pytest.mark.parametrize("paper", papers.papers(), ids=papers.shown)
def test_relative_links_lead_somewhere(paper: Path) -> None:
    missing = [one for one in papers.relative_links(paper) if not (paper.parent / one).exists()]
    assert not missing


def test_links_and_paths_of_a_paper_are_found() -> None:
    assert papers.named_paths("`docs/x.md`, `x`, `a/b`\n```\n`docs/no.md`\n```\n") == ["docs/x.md"]
    assert "libs/common/README.md" not in papers.relative_links(ROOT / "CHANGELOG.md")
    assert "services/proxy/README.md" in papers.relative_links(ROOT / "README.md")


def test_each_promise_names_a_test_that_is_there() -> None:
    promises = ARCHITECTURE.read_text().partition("## Promises")[2].partition("\n## ")[0]
    rows = [line for line in promises.splitlines() if re.match(r"\| \d+ ", line)]
    assert [int(row.split("|")[1]) for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        tests = papers.named_tests(row)
        assert tests, row
        for path, name in tests:
            assert f"def {name}(" in (ROOT / path).read_text(), f"{path}::{name}"


def test_walks_are_five() -> None:
    assert len(_walks()) == WALKS


@pytest.mark.parametrize(("walk", "steps"), _walks().items(), ids=_walks())
def test_walk_never_goes_back_to_a_file_it_left(walk: str, steps: list[str]) -> None:
    assert len(steps) >= 2
    assert len(set(steps)) == len(steps)
    for step in steps:
        assert (ROOT / step).is_file(), step


@pytest.mark.parametrize(("walk", "steps"), _walks().items(), ids=_walks())
def test_each_file_of_a_walk_names_the_next(walk: str, steps: list[str]) -> None:
    for here, there in itertools.pairwise(steps):
        assert Path(there).stem in (ROOT / here).read_text(), f"{here} → {there}"


def test_hooks_call_the_linters_of_the_workspace() -> None:
    lint = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    tools = set(re.findall(r"\$\(BIN\)/([\w-]+)", lint))
    called = {hook["entry"].split()[0] for hook in _hooks()}
    assert called == {f".venv/bin/{tool}" for tool in tools}
    assert {hook["language"] for hook in _hooks()} == {"system"}


def test_hosted_ci_calls_our_own() -> None:
    job = _workflow()["jobs"]["all"]  # type: ignore[index]
    runs = [step["run"].strip() for step in job["steps"] if "run" in step]
    assert runs[-1] == ".ci/run"
    assert (ROOT / ".ci/run").stat().st_mode & 0o100
    for name in ("postgres", "rabbitmq"):
        assert job["services"][name]["image"] == with_defaults(CONTAINERS[name]["image"])


def test_licence_is_the_one_that_packages_name() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    for path in [*ROOT.glob("services/*/pyproject.toml"), *ROOT.glob("libs/*/pyproject.toml")]:
        assert tomllib.loads(path.read_text())["project"]["license"] == "Apache-2.0", path


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [path.name[:3] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(set(numbers)) == len(numbers)
    assert all(number.isdecimal() for number in numbers)


def test_table_of_words_can_be_read() -> None:
    texts = [word.text for word in WORDS]
    assert "parcel" in texts
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("row", ["| old | somewhere | new |", "| old | names | |", "| one |"])
def test_row_of_the_table_that_cannot_be_read_is_refused(row: str) -> None:
    with pytest.raises(ValueError, match=r"expected|unpack|not a valid"):
        papers.words_not_used(f"{papers.NOT_USED}\n|a|b|c|\n|---|\n{row}\n")


@pytest.mark.parametrize(
    ("word", "text", "is_used"),
    [
        ("parcel", "the Parcels", False),
        ("parcel", "class BigParcel", True),
        ("parcel", "one_parcel_left", True),
        ("parcel", "parceled", False),
        ("stand-in", "esb_stand_in", True),
        ("stand-in", "rows stand in a table", False),
        ("in doubt", "Messages in doubt", True),
    ],
)
def test_word_is_found_by_itself_only(word: str, text: str, is_used: bool) -> None:
    found = Word(word, "another", Where.EVERYWHERE).pattern.search(papers._apart(text))
    assert (found is not None) == is_used
