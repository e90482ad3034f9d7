"""An OpenAPI document is described when it is first asked for, whole and once."""

from concurrent.futures import ThreadPoolExecutor

from apispec import APISpec
from common.web.documents import LateSpec


def test_paths_are_described_once_and_in_their_order():
    described: list[str] = []
    spec = LateSpec(APISpec("A title", "1", "3.0.3"))

    def describe(path: str) -> None:
        def later(whole: APISpec) -> None:
            described.append(path)
            whole.path(path, operations={"get": {"responses": {}}})

        spec.later(later)

    describe("/b")
    spec.path(path="/a", operations={"get": {"responses": {}}})
    describe("/c")
    spec.tag({"name": "at once"})
    assert described == []
    with ThreadPoolExecutor(4) as threads:
        documents = [one.result() for one in [threads.submit(spec.to_dict) for _ in range(4)]]
    assert described == ["/b", "/c"]
    assert all(list(one["paths"]) == ["/b", "/a", "/c"] for one in documents)
    assert documents[0]["tags"] == [{"name": "at once"}]
