"""The Python client's modules, written from the OpenAPI documents: `python tools/client_code.py`.

An operation is a method: what stands in its path by position, the rest by name.
"""

import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from merged_document import ROOT, TITLES, committed

TARGET = ROOT / "clients" / "python" / "kiungo_client" / "apis"
METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"
_TYPES = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}
#: The hub documents these elsewhere than in the operation.
_MORE_HEADERS = {"make_call": ["Idempotency-Key"]}

Operation = dict[str, Any]


def module(service: str, document: dict[str, Any]) -> str:
    """The source of a service's module, not formatted yet."""
    name = "".join(part.capitalize() for part in service.split("-"))
    operations = list(_operations(document))
    table = "\n".join(f'        "{one["operationId"]}": "{_name(one)}",' for one in operations)
    methods = "\n".join(map(_method, operations))
    typing = _import("typing", ("Any", "Literal"), methods)
    base = _import("kiungo_client.apis.base", ("JSON", "Json", "Record"), methods, "Api")
    return (
        f'"""{TITLES[service]}: written by `tools/client_code.py`, not by hand."""\n\n'
        f"{typing}\n{base}\n\nclass {name}(Api):\n"
        f'    """The operations of {TITLES[service]}."""\n\n'
        f"    OPERATIONS = {{\n{table}\n    }}\n\n{methods}"
    )


def _import(module_: str, names: tuple[str, ...], methods: str, *always: str) -> str:
    used = [*always, *(name for name in names if re.search(rf"\b{name}\b", methods))]
    order = sorted(used, key=lambda name: (not name.isupper(), name))
    return f"from {module_} import {', '.join(order)}\n" if used else ""


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, members in document["paths"].items():
        for method in METHODS:
            if method in members:
                own = members[method]
                parameters = [*members.get("parameters", []), *own.get("parameters", [])]
                yield {**own, "method": method, "path": path, "parameters": parameters}


def _name(operation: Operation) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation["operationId"]).lower()


def _method(operation: Operation) -> str:
    by_place = {one["name"]: one for one in operation["parameters"]}
    query = [one for one in operation["parameters"] if one["in"] == "query"]
    headers = [one["name"] for one in operation["parameters"] if one["in"] == "header"]
    headers += _MORE_HEADERS.get(operation["operationId"], [])
    places = re.findall(r"{(\w+)}", operation["path"])
    signature = ["self", *(f"{_plain(one)}: {_type(by_place[one])}" for one in places)]
    body, asked = _body(operation)
    signature += body
    named = sorted((not one.get("required"), _argument(one)) for one in query)
    rest = [text for _, text in named] + [f"{_plain(one)}: str | None = None" for one in headers]
    signature += ["*", *rest] if rest else []
    path = re.sub(r"{\w+}", "{}", operation["path"])
    given = [f'"{operation["operationId"]}"', f'"{operation["method"].upper()}"', f'"{path}"']
    given += map(_plain, places)
    if query:
        members = ", ".join(f'"{one["name"]}": {_plain(one["name"])}' for one in query)
        given.append(f"query={{{members}}}")
    if headers:
        members = ", ".join(f'"{one}": {_plain(one)}' for one in headers)
        given.append(f"headers={{{members}}}")
    returns = _returns(operation)
    call = f"self._ask({', '.join([*given, *asked])})"
    kept = call if returns == "None" else f"answer: {returns} = {call}\n        return answer"
    return (
        f"    def {_name(operation)}({', '.join(signature)}) -> {returns}:\n"
        f'        """{_docstring(operation["summary"])}"""\n        {kept}\n'
    )


def _docstring(summary: str) -> str:
    lines = textwrap.wrap(summary, 86)
    indented = "\n".join(f"        {line}".rstrip() for line in lines).strip()
    return indented if len(lines) == 1 else f"{indented}\n        "


def _body(operation: Operation) -> tuple[list[str], list[str]]:
    """Parameters for the body, and how it is handed on."""
    described = operation.get("requestBody")
    if described is None:
        return [], []
    kinds = list(described["content"])
    optional = "" if described.get("required") else " | None = None"
    if kinds == [JSON]:
        return [f"body: Json{optional}"], ["body=body", "media_type=JSON"]
    types = ", ".join(f'"{one}"' for one in kinds)
    choice = f'media_type: Literal[{types}] = "{kinds[0]}"'
    return [f"body: Json | bytes | str{optional}", choice], ["body=body", "media_type=media_type"]


def _returns(operation: Operation) -> str:
    good = {code: one for code, one in operation["responses"].items() if code[0] == "2"}
    if set(good) == {"204"}:
        return "None"
    is_json = good and all(set(one.get("content", ())) == {JSON} for one in good.values())
    schemas = [one["content"][JSON].get("schema", {}) for one in good.values()] if is_json else []
    return "Record" if schemas and all("$ref" in one for one in schemas) else "Any"


def _argument(parameter: dict[str, Any]) -> str:
    text = f"{_plain(parameter['name'])}: {_type(parameter)}"
    return text if parameter.get("required") else f"{text} | None = None"


def _type(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    if "enum" in schema:
        return f"Literal[{', '.join(repr(one) for one in schema['enum'] if one is not None)}]"
    return _TYPES.get(schema.get("type", ""), "str | bool" if "anyOf" in schema else "str")


def _plain(name: str) -> str:
    """A parameter's name as Python has it."""
    plain = re.sub(r"\W", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)).lower().strip("_")
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def formatted(sources: dict[str, str]) -> dict[str, str]:
    """The sources as ruff formats them."""
    return {name: _ruff(source) for name, source in sources.items()}


def _ruff(source: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "apis.py", "-"]
    done = subprocess.run(
        command, input=source, capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout


def modules() -> dict[str, str]:
    """The modules' sources by their file names."""
    return formatted(
        {
            f"{service.replace('-', '_')}.py": module(service, one)
            for service, one in committed().items()
        }
    )


def main(target: Path = TARGET) -> None:
    """Write them."""
    for name, source in modules().items():
        (target / name).write_text(source, encoding="utf-8")


if __name__ == "__main__":
    main()
