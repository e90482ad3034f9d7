"""JSON Schemas that callers give: what is refused when saved, and what a document is told."""

import time
from typing import Any

import pytest
from common.errors import Invalid
from common.web.json_schemas import (
    Break,
    UnusableSchema,
    check_schema,
    compile_schema,
    first_break,
)

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "dog"}, 'Not a JSON Schema at /type: "dog"'),
        ({"properties": {"a": {"minimum": "x"}}}, "Not a JSON Schema at /properties/a/minimum"),
        ({"$schema": "https://unknown.example/"}, "$schema names no dialect"),
        ({"$schema": 1}, "$schema names no dialect"),
        ({"$ref": "https://elsewhere.example/"}, "leads outside of the schema"),
        ({"items": {"$dynamicRef": "other.json"}}, "leads outside of the schema"),
        ({"$ref": "#/$defs/none"}, "A reference leads nowhere"),
        ({"pattern": "(?=a)"}, "At /pattern: the pattern cannot be matched in linear time: "),
        ({"pattern": "(?=a)"}, "invalid perl operator: (?="),
        ({"pattern": r"(a)\1"}, r"invalid escape sequence: \1"),
        ({"patternProperties": {"(?!x)": {}}}, "At /patternProperties/(?!x): the pattern"),
        ({"items": {"pattern": r"\pL{1000}"}}, "At /items/pattern: the pattern"),
        ({"pattern": "["}, "At /pattern: the pattern"),
    ],
)
def test_schema_that_cannot_serve_is_refused_with_the_reason(schema: Any, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_schema("field", schema)
    assert reason in refused.value.errors["field"][0]
    with pytest.raises(UnusableSchema):
        compile_schema(schema)


@pytest.mark.parametrize(
    ("schema", "document", "pointer", "reason"),
    [
        ({"required": ["a"]}, {}, "", '"a" is a required property'),
        ({"properties": {"b": {}}, "additionalProperties": False}, {"a": 1}, "/a", "additional"),
        ({"propertyNames": {"maxLength": 3}}, {"a/b~c": 1}, "/a~1b~0c", "name breaks maxLength"),
        ({"items": {"type": "string"}}, ["a", 1], "/1", 'the value is not of type "string"'),
        ({"contains": {"const": 1}}, [2], "", "no item is valid"),
        ({"unevaluatedProperties": False, "properties": {"b": {}}}, {"a": 1}, "/a", "unevaluated"),
        ({"items": {"anyOf": [{"const": 1}, {"const": 2}]}}, [1, 3], "/1", "under any of"),
        ({"items": {"oneOf": [{"minimum": 1}, {"minimum": 2}]}}, [1, 3], "/1", "exactly one"),
        ({"properties": {"anyOf": {"const": 1}}}, {"anyOf": 2}, "/anyOf", "1 was expected"),
        ({"properties": {"const": {"anyOf": [{"const": 1}]}}}, {"const": 2}, "/const", "any of"),
        ({"const": {"anyOf": [1]}}, {"anyOf": [2]}, "", "was expected"),
        # Where a place cannot be told, the break is.
        ({"anyOf": [{"const": 1}], "items": {"$ref": "#/anyOf/0"}}, [2], "", "breaks the schema"),
        (
            {"anyOf": [{"properties": {"a": {"const": 1}}}], "unevaluatedProperties": False},
            {"a": 1, "b": 2},
            "",
            "breaks the schema",
        ),
        ({"pattern": "a"}, "\ud800", "", "unpaired surrogate"),
    ],
)
def test_first_break_is_told(schema: Any, document: Any, pointer: str, reason: str) -> None:
    found = first_break(compile_schema(schema), document)
    assert found is not None
    assert found.pointer == pointer
    assert reason in found.reason


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        ({"format": "date"}, "never"),
        ({"$schema": DRAFT_7, "format": "date"}, "never"),
        ({"anyOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False}, {"a": 1}),
        ({"maximum": 10**30}, 12345678901234567890123),
        ({"enum": [12345678901234567890123]}, 12345678901234567890123),
        ({"multipleOf": 0.1}, 0.3),
        ({"$ref": "#"}, 1),
        ({"pattern": "é"}, "née"),
    ],
)
def test_document_that_keeps_its_schema_is_taken(schema: Any, document: Any) -> None:
    assert first_break(compile_schema(schema), document) is None


def test_large_numbers_are_compared_by_all_their_digits() -> None:
    schema = compile_schema({"enum": [12345678901234567890123]})
    assert first_break(schema, 12345678901234567890124) is not None


def nested(depth: int, innermost: Any) -> Any:
    for _ in range(depth):
        innermost = [innermost]
    return innermost


@pytest.mark.parametrize("depth", [501, 100_000])
def test_nesting_beyond_reason_is_told(depth: int) -> None:
    schema = compile_schema({"items": {"$ref": "#"}})
    assert first_break(schema, nested(depth, 1)) == Break("", "nested too deeply")


@pytest.mark.parametrize("depth", [100, 499])
def test_deep_document_is_judged(depth: int) -> None:
    schema = compile_schema({"type": ["array", "integer"], "items": {"$ref": "#"}})
    assert first_break(schema, nested(depth, 1)) is None
    assert first_break(schema, nested(depth, "x")) is not None


RECURSIVE = {
    "$defs": {
        "a": {
            "anyOf": [
                {"items": {"$ref": "#/$defs/a"}, "minItems": 2},
                {"items": {"$ref": "#/$defs/a"}, "maxItems": 1, "minItems": 1},
            ]
        }
    },
    "$ref": "#/$defs/a",
}


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        ({"pattern": "^(a+)+$"}, "a" * 1_000_000 + "!"),
        ({"pattern": "(.*a){20}b"}, "a" * 200_000),
        (RECURSIVE, nested(300, [])),
        ({"anyOf": [{"items": {"type": "string"}}, {"items": {"const": 1}}]}, [None] * 200_000),
        ({"items": {"enum": [[at] for at in range(3_000)]}}, [["x"]] * 20_000),
        ({"uniqueItems": True}, [{"a": at} for at in range(20_000)] * 2),
    ],
    ids=["pattern", "pattern with many ways", "recursive", "alternatives", "enum", "unique"],
)
def test_expensive_document_is_judged_in_time(schema: Any, document: Any) -> None:
    compiled = compile_schema(schema)
    started = time.process_time()
    assert first_break(compiled, document) is not None
    assert time.process_time() - started < 1
