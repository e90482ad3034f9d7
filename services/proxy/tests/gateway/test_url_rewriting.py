"""The mediator's addresses in answers become the hub's, and nothing else does."""

import pytest
from common.http.endpoint import Endpoint
from proxy.gateway.url_rewriting import (
    addresses_of,
    may_be_rewritten,
    rewritten_body,
    rewritten_fields,
)


def rewritten(endpoint: str, body: str, host: str = "hub.example") -> str:
    found = rewritten_body(body.encode(), addresses_of(Endpoint.parse(endpoint)), "https", host)
    return found.decode()


@pytest.mark.parametrize(
    ("endpoint", "body", "expected"),
    [
        ("http://m:3447/fhir", '{"url":"http://m:3447/fhir/P/1"}', '{"url":"https://hub.example/P/1"}'),
        ("http://m:3447/fhir", r'"http:\/\/m:3447\/fhir\/P"', r'"https:\/\/hub.example\/P"'),
        ("http://m", "http://m/a HTTP://M:80/b", "https://hub.example/a https://hub.example/b"),
        ("https://m:443", "https://m?x=1", "https://hub.example?x=1"),
        ("http://m:80", "http://m.example/a http://m:8080/a", "http://m.example/a http://m:8080/a"),
        ("http://m/fhir", "http://m/fhirbase http://m/other", "http://m/fhirbase http://m/other"),
        ("http://m", "https://m/a", "https://m/a"),
        ("http://[::1]:8080", "http://[::1]:8080/a", "https://hub.example/a"),
    ],
)  # fmt: skip
def test_only_the_mediators_own_address_is_rewritten(endpoint, body, expected) -> None:
    assert rewritten(endpoint, body) == expected


def test_host_that_is_none_is_put_into_no_answer() -> None:
    assert rewritten("http://m", "http://m/a", 'hub"<script>') == "http://m/a"


def test_fields_that_hold_addresses_are_rewritten() -> None:
    fields = [("Location", "http://m/a"), ("X-Base", "http://m/a"), ("Link", "<http://m/b>")]
    found = rewritten_fields(fields, addresses_of(Endpoint.parse("http://m")), "http", "hub:8080")
    assert found == [("Location", "http://hub:8080/a"), fields[1], ("Link", "<http://hub:8080/b>")]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("Content-Type", "application/fhir+json")], True),
        ([("Content-Type", "image/png")], False),
        ([("Content-Type", "text/html"), ("Content-Encoding", "gzip")], False),
    ],
)
def test_text_that_is_not_packed_may_be_rewritten(headers, expected) -> None:
    assert may_be_rewritten(headers) is expected
