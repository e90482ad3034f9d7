"""Paths rewritten: as OpenHIM does it, and nothing that climbs."""

import pytest
from common.errors import Invalid
from proxy.registry.rewriting import NotRewritten, rewrite_of


def rewritten(expression: str, path: str) -> str:
    rewrite = rewrite_of("", expression)
    assert rewrite is not None
    return rewrite(path)


@pytest.mark.parametrize(
    ("expression", "path", "expected"),
    [
        (r"s/SHR\/fhir/fhir/g", "/SHR/fhir/Patient", "/fhir/Patient"),
        ("s/xdsrepository//g", "/xdsrepository", "/"),
        (r"s/lnsp\///g", "/lnsp/a/lnsp/b", "/a/b"),
        ("s/f27/api/convert/fhir/g", "/f27/f27", "/api/f27"),
        ("s/a/b", "/a/a", "/b/a"),
        ("s/a/b/", "/a/a", "/b/a"),
        ("s/a/b/g", "/a/a", "/b/b"),
        ("s/a", "/xa", "/x"),
        (r"s/^\/(\w+)\/v(\d)/\/v$2\/$1/", "/lab/v3/x", "/v3/lab/x"),
        ("s/b+/<$&$$>/", "/abb", "/a<bb$>"),
        ("s/a/$7/", "/a", "/$7"),
        ("s/x/y/", "/none", "/none"),
        (r"s/^\/lab\///", "/lab/tests", "/tests"),
        ("s/a/b/", "/a%20a", "/b%20a"),
    ],
)
def test_expression_is_cut_and_applied_as_openhim_does(expression, path, expected) -> None:
    assert rewritten(expression, path) == expected


def test_fixed_path_comes_before_an_expression() -> None:
    rewrite = rewrite_of("/fhir", "s/a/b/")
    assert rewrite is not None
    assert rewrite("/whatever") == "/fhir"
    assert rewrite_of("", "") is None


@pytest.mark.parametrize("path", ["/a/.x./b", "/a/%2Ex./b"])
def test_rewriting_makes_no_path_that_climbs(path: str) -> None:
    with pytest.raises(NotRewritten):
        rewritten("s/x//g", path)


@pytest.mark.parametrize(
    "expression", ["a/b", "s", "s//b/", "s/(/b/", "s/(?=a)/b/", "s/a/b c/", "s/a/b?c/", "s/a/é/"]
)
def test_expression_that_cannot_be_meant_is_refused(expression: str) -> None:
    with pytest.raises(Invalid) as refused:
        rewrite_of("", expression)
    assert list(refused.value.errors) == ["rewrite_expression"]


@pytest.mark.parametrize("path", ["fhir", "/a?b=1", "/a b", "/a/../b", "/%2e%2e/b", "/é"])
def test_fixed_path_that_cannot_be_meant_is_refused(path: str) -> None:
    with pytest.raises(Invalid) as refused:
        rewrite_of(path, "")
    assert list(refused.value.errors) == ["rewrite_path"]
