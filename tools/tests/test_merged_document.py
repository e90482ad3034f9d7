"""One document of all services: valid, complete, and what the services say."""

import json
from typing import Any

import merged_document
import pytest
from merged_document import committed, merged
from openapi_spec_validator import validate


def _document(path: str, **schemas: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}
    scheme = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/t", "scopes": {}}}}
    scheme["flows"]["clientCredentials"]["scopes"][path] = ""  # type: ignore[index]
    return {
        "openapi": "3.0.3",
        "info": {"title": "x", "version": "1"},
        "servers": [{"url": "/"}],
        "tags": [{"name": "things"}],
        "paths": {
            path: {
                "get": {
                    "operationId": "read_thing",
                    "tags": ["things"],
                    "responses": {"200": {"description": "ok", "content": content}},
                }
            }
        },
        "components": {"schemas": schemas, "securitySchemes": {"oauth": scheme}},
    }


ITEM = {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}


def test_components_that_differ_get_their_services_name_and_so_does_what_refers_to_them() -> None:
    whole = merged(
        {
            "proxy": _document("/a", Page=ITEM, Item={"type": "string"}, Same={"type": "object"}),
            "esb-relay": _document(
                "/b", Page=ITEM, Item={"type": "number"}, Same={"type": "object"}
            ),
        }
    )

    validate(whole)
    assert set(whole["components"]["schemas"]) == {
        "proxy.Page", "proxy.Item", "esb-relay.Page", "esb-relay.Item", "Same",
    }  # fmt: skip
    items = whole["components"]["schemas"]["esb-relay.Page"]["items"]
    assert items == {"$ref": "#/components/schemas/esb-relay.Item"}
    assert whole["paths"]["/b"]["get"]["tags"] == ["ESB relay: things"]
    assert whole["paths"]["/b"]["get"]["operationId"] == "esb_relay_read_thing"
    flow = whole["components"]["securitySchemes"]["oauth"]["flows"]["clientCredentials"]
    assert set(flow["scopes"]) == {"/a", "/b"}


def test_a_path_of_two_services_is_refused() -> None:
    one = _document("/a", Page={"type": "string"})
    with pytest.raises(ValueError, match="two services claim /a"):
        merged({"proxy": one, "esb-relay": one})


def test_the_committed_document_is_all_of_the_services() -> None:
    documents = committed()
    whole = json.loads(merged_document.TARGET.read_text(encoding="utf-8"))

    assert whole == merged(documents), "run `make docs`"
    validate(whole)
    assert len(whole["paths"]) == sum(len(one["paths"]) for one in documents.values())


def test_every_operation_has_a_name_of_its_own() -> None:
    operations = [
        operation
        for path in merged(committed())["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) > 100
