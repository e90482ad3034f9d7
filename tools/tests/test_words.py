"""The words that the glossary lists as not used here are not used, in code, pages and papers."""

import re

import papers
import pytest
from papers import Use, Word

#: Where an old word must stay: a pattern of path and line, with the reason.
ALLOWED: dict[str, str] = {
    r"^docs/glossary\.md:": "the table of the words itself",
    r"^tools/tests/test_(papers|words)\.py:": "examples of what is found",
    r"/migrations/versions/": "what databases have been through is not rewritten",
    r"hourly_tallies": "the name of a table in databases",
    r"was_in_doubt": "what the delivery log says, in databases and answers",
    r"def test_\w+_stand_in_": "a sentence: what stands in what",
    r"^clients/python/kiungo_client/apis/": "written from the services' documents",
}
WORDS = papers.words_not_used(papers.GLOSSARY.read_text())


def _is_allowed(use: Use) -> bool:
    return any(re.search(pattern, f"{use.path}:{use.text}") for pattern in ALLOWED)


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.text)
def test_word_that_is_not_used_here_is_not_used(word: Word) -> None:
    found = [use for use in papers.uses(word) if not _is_allowed(use)]
    assert found == [], word.instead
