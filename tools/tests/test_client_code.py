"""The Python client and the OpenAPI documents say the same."""

from pathlib import Path

import pytest
from client_code import TARGET, modules
from kiungo_client.client import Kiungo
from kiungo_client.tokens import FixedToken
from merged_document import committed

DOCUMENTS = committed()


@pytest.mark.parametrize("service", DOCUMENTS)
def test_every_operation_is_a_method_and_no_other(service):
    api = getattr(Kiungo("http://hub", FixedToken("x")), service.replace("-", "_"))
    documented = {
        operation["operationId"]
        for members in DOCUMENTS[service]["paths"].values()
        for operation in members.values()
        if isinstance(operation, dict)
    }
    assert set(api.OPERATIONS) == documented
    assert len(set(api.OPERATIONS.values())) == len(documented)
    assert all(callable(getattr(api, name)) for name in api.OPERATIONS.values())


def test_the_modules_are_as_the_documents_have_it():
    for name, source in modules().items():
        assert Path(TARGET, name).read_text("utf-8") == source, "run python tools/client_code.py"
