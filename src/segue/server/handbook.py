"""The OpenAPI document as a page that needs no script and nothing from elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_SHOWN = ("get", "post", "delete")


def page(document: dict[str, Any]) -> str:
    """Every route with what it takes and gives."""
    parts = []
    for path, operations in document["paths"].items():
        for method in _SHOWN:
            if method in operations:
                parts.append(_operation(path, method, operations[method]))
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    schemas = json.dumps(document["components"]["schemas"], indent=2)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<main><h1>{title}</h1><p>{escape(document['info'].get('description', ''))}</p>"
        '<p>The same as a document: <a href="/api/v1/openapi.json">openapi.json</a></p>'
        f"{''.join(parts)}<h2>Schemas</h2><pre>{escape(schemas)}</pre></main></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<li><code>{escape(p['name'])}</code> ({escape(p['in'])}) "
        f"{escape(p.get('description', ''))}</li>"
        for p in operation.get("parameters", ())
    )
    answers = ", ".join(
        f"{status} {escape(answer.get('description', ''))}"
        for status, answer in operation["responses"].items()
    )
    body = operation.get("requestBody", {}).get("content", {})
    takes = "; ".join(
        f"{escape(kind)}: {escape(_named(content.get('schema', {})))}"
        for kind, content in body.items()
    )
    said = f"<p>Body: {takes}</p>" if takes else ""
    return (
        f"<h3><code>{method.upper()} {escape(path)}</code></h3>"
        f"<p>{escape(operation.get('description', ''))}</p><ul>{rows}</ul>{said}"
        f"<p>Answers: {answers}</p>"
    )


def _named(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", schema.get("type", "anything"))).rsplit("/", 1)[-1]
