"""Reading OpenAPI documents (3.0 and 3.1): checked, with nothing fetched from elsewhere, as a list of operations."""

from __future__ import annotations

import json
from typing import Any

import yaml
from django.utils.translation import gettext as _
from jsonschema.exceptions import ValidationError
from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from portal.errors import InvalidInput

SIZE_LIMIT = 2 * 1024**2
OPERATIONS_LIMIT = 1_000
DEPTH_LIMIT = 100
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


def _from_yaml(text: str) -> Any:
    """What YAML says, without aliases, by which a small file could become an endless one, and not too deep."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEPTH_LIMIT:
            raise yaml.YAMLError
    return yaml.load(text, yaml.CSafeLoader)


def read(content: bytes) -> dict[str, Any]:
    """The document as plain objects.

    Raises:
        InvalidInput: it is no OpenAPI document, too large, or refers to other documents; field ``document``.
    """
    if len(content) > SIZE_LIMIT:
        raise _refused(_("The document is larger than 2 MB."))
    try:
        text = content.decode("utf-8-sig")
        found = json.loads(text) if text.lstrip().startswith("{") else _from_yaml(text)
        found = json.loads(json.dumps(found, default=str))
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise _refused(_("This is neither JSON nor YAML.")) from error
    if not isinstance(found, dict) or not str(found.get("openapi", "")).startswith("3."):
        raise _refused(_("This is no OpenAPI document of version 3."))
    if reference := _outside(found):
        message = _("It refers to another document (%(reference)s). Put everything into one.")
        raise _refused(message % {"reference": reference[:200]})
    try:
        validate(found)
    except (OpenAPIValidationError, ValidationError) as error:
        place = "/".join(map(str, getattr(error, "absolute_path", ())))
        message = _("The document breaks the OpenAPI standard at %(place)s: %(error)s")
        raise _refused(
            message % {"place": place or "/", "error": str(getattr(error, "message", error))[:300]}
        ) from error
    except Exception as error:
        raise _refused(_("A reference in the document leads nowhere.")) from error
    return found


def _refused(message: str) -> InvalidInput:
    return InvalidInput(fields={"document": [message]})


def _outside(found: Any) -> str:
    """A reference that leads out of the document, if any."""
    waiting = [found]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#"):
                return reference
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return ""


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """What the interface offers: method, path, summary, and parameters (name, in, required, type, description)."""
    found = []
    for path, item in (document.get("paths") or {}).items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                shared = [*(item.get("parameters") or []), *(operation.get("parameters") or [])]
                found.append(
                    {
                        "method": method.upper(),
                        "path": path,
                        "summary": str(operation.get("summary") or operation.get("operationId") or ""),
                        "parameters": [_parameter(document, parameter) for parameter in shared],
                    }
                )
    return found[:OPERATIONS_LIMIT]


def _parameter(document: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    parameter = _followed(document, parameter)
    schema = _followed(document, parameter.get("schema") or {})
    return {
        "name": str(parameter.get("name", "")),
        "in": str(parameter.get("in", "")),
        "required": bool(parameter.get("required")),
        "type": str(schema.get("type", "")),
        "description": str(parameter.get("description", "")),
    }


def _followed(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """A node, or what its reference within the document leads to."""
    for _step in range(10):
        reference = node.get("$ref")
        if not isinstance(reference, str):
            break
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
        node = found if isinstance(found, dict) else {}
    return node


def server_of(document: dict[str, Any]) -> str:
    """The first absolute address that the document names, or nothing."""
    for server in document.get("servers") or []:
        url = str(server.get("url", ""))
        if url.startswith(("https://", "http://")) and "{" not in url:
            return url
    return ""
