"""Every error in one shape: the problem details of RFC 9457, `application/problem+json`.

`detail` is the sentence the command line would print. `type` is a path into the documentation, the
same for the same kind of problem; programs look at it, or at `status`.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from segue.errors import (
    BundleError,
    DataError,
    FormatError,
    LimitError,
    MissingExtraError,
    SegueError,
    nearest,
)

MEDIA_TYPE = "application/problem+json"

TITLES = {
    400: "The request cannot be read",
    401: "A token is needed",
    403: "Not from here",
    404: "There is no such thing",
    405: "Not in this way",
    408: "It took too long",
    409: "Not as things are",
    411: "Say how long it is",
    413: "Too large",
    415: "Not in this form",
    422: "The request cannot be met",
    429: "Too much at once",
    431: "Too much before the body",
    500: "A bug in Segue",
    503: "Not now",
}


class Problem(BaseModel):
    """What went wrong, and what to do next (RFC 9457)."""

    type: Annotated[str, Field(examples=["/problems/422"])]
    title: Annotated[str, Field(examples=["The request cannot be met"])]
    status: Annotated[int, Field(examples=[422])]
    detail: Annotated[str, Field(examples=["bars came as 0; 1 to 256 is allowed."])]
    instance: str | None = None


class RefusedError(SegueError):
    """A request refused with a status of its own; `after` seconds later it may come again."""

    def __init__(self, status: int, detail: str, *, after: float | None = None) -> None:
        super().__init__(detail)
        self.status, self.after = status, after


_STATUS: tuple[tuple[type[SegueError], int], ...] = (
    (LimitError, 413),
    (FormatError, 422),
    (MissingExtraError, 409),
    (BundleError, 409),
    (DataError, 422),
)


def status_of(error: SegueError) -> int:
    """The status that an error is answered with."""
    if isinstance(error, RefusedError):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 422)


def problem(
    status: int, detail: str, *, headers: dict[str, str] | None = None, instance: str | None = None
) -> JSONResponse:
    """The answer that tells of a problem."""
    body: dict[str, Any] = {
        "type": f"/problems/{status}",
        "title": TITLES.get(status, "It did not work"),
        "status": status,
        "detail": _sendable(detail),
    }
    if instance is not None:
        body["instance"] = _sendable(instance)
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def _sendable(text: str) -> str:
    """The text without halves of letters, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The entries of a route's OpenAPI for the statuses it may answer with when all is not well."""
    told = {}
    for status in (401, 403, 422, 429, *statuses):
        entry: dict[str, Any] = {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        if status == 429:
            entry["headers"] = {
                "Retry-After": {
                    "description": "Seconds to wait before asking again.",
                    "schema": {"type": "integer", "minimum": 1},
                }
            }
        told[status] = entry
    return told  # type: ignore[return-value]


def install(app: FastAPI, logger: logging.Logger) -> None:
    """Answer every error of the application in this shape."""

    @app.exception_handler(SegueError)
    async def _refused(request: Request, error: SegueError) -> Response:
        status = status_of(error)
        after = error.after if isinstance(error, RefusedError) else None
        headers = {"Retry-After": str(max(1, round(after)))} if after is not None else None
        return problem(status, str(error), headers=headers, instance=request.url.path)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return problem(
            422, _sentence(error.errors(), _asked_at(request.scope)), instance=request.url.path
        )

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        told = {404: f"there is nothing at {request.url.path}: /docs lists what there is."}
        if error.status_code == 405:
            ways = " or ".join(sorted(methods_at(request.scope) or {"GET"}))
            told[405] = f"{request.method} is not allowed at {request.url.path}: use {ways}."
        detail = told.get(error.status_code, str(error.detail))
        headers = dict(error.headers or {})
        if error.status_code == 405:
            methods = methods_at(request.scope) or {"GET"}
            if request.url.path.startswith("/api/"):
                methods -= {"HEAD"}
            headers = {"Allow": ", ".join(sorted(methods))}
        return problem(error.status_code, detail, headers=headers, instance=request.url.path)

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeoutError)
    async def _database(request: Request, error: Exception) -> Response:
        logger.error("database", extra={"path": request.url.path, "what": str(error)})
        detail = "the database cannot be asked just now: ask again in a moment."
        return problem(503, detail, headers={"Retry-After": "2"}, instance=request.url.path)

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> Response:
        logger.exception("bug", exc_info=error, extra={"path": request.url.path})
        detail = f"this is a bug in Segue ({type(error).__name__}); the log of the server has more."
        return problem(500, detail, instance=request.url.path)


def methods_at(scope: Scope) -> set[str]:
    """The methods that the service answers to at a path."""
    app: FastAPI = scope["app"]
    path = app.openapi()["paths"]
    found: set[str] = set()
    for template, operations in path.items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), scope["path"]):
            found |= {method.upper() for method in operations}
    return found


_WORDS = {
    "int": "a whole number", "float": "a number", "string": "text", "bool": "true or false",
    "list": "a list", "dict": "an object", "model_attributes": "an object",
}  # fmt: skip
_BOUNDS = {
    "greater_than_equal": "{ge} or more is allowed",
    "greater_than": "more than {gt} is allowed",
    "less_than_equal": "{le} at most is allowed",
    "less_than": "less than {lt} is allowed",
    "string_pattern_mismatch": "only what matches {pattern} is allowed",
    "literal_error": "{expected} is allowed",
    "finite_number": "a number that is not infinite is allowed",
}
_LENGTHS = {
    "too_short": "{min_length} or more {are} needed",
    "too_long": "{max_length} at most {are} allowed",
    "string_too_short": "{min_length} or more letters are needed",
    "string_too_long": "{max_length} letters at most are allowed",
}
"""What is wrong with a value, by the kind of fault that Pydantic finds, and what it says of it."""


def _sentence(errors: Any, asked: Any = None) -> str:
    """The first thing that is wrong, as a sentence, and how many more there are.

    `asked` is the model of what was asked, to say which name may have been meant.
    """
    first = errors[0]
    more = f" ({len(errors) - 1} more like it.)" if len(errors) > 1 else ""
    return f"{_fault(first, asked)}.{more}"


def _fault(error: Any, asked: Any) -> str:
    """What came, what is allowed, what to do next."""
    kind = error["type"]
    told = error.get("ctx", {})
    said = {k: f"{v:g}" if isinstance(v, float) else v for k, v in told.items()}
    if kind == "json_invalid":
        at = f" at character {error['loc'][-1]}" if len(error["loc"]) > 1 else ""
        return f"the body is not JSON{at}: {said.get('error', 'it cannot be read')}"
    path = [str(part) for part in error["loc"] if part != "body"]
    if error["loc"] and error["loc"][0] in ("path", "query", "header"):
        path = path[1:]
    where = ".".join(path) or "the body"
    if kind == "missing":
        return f"{where} is missing: /docs shows what is asked here"
    if kind == "extra_forbidden":
        names = _names_beside(asked, path)
        known = nearest(path[-1], names) if names else "/docs shows what is"
        return f"{where} is not known here: {known}"
    return f"{where} came {_instead(kind, said, error)}"


def _instead(kind: str, said: Any, error: Any) -> str:
    """What came as a value, and what is allowed instead."""
    value = error.get("input")
    if isinstance(value, bytes):
        return "as text: send JSON, and say Content-Type: application/json"
    if kind in _LENGTHS:
        count = said.get("actual_length", len(value or ""))
        are = "is" if 1 in (said.get("min_length"), said.get("max_length")) else "are"
        return f"with {count}; {_LENGTHS[kind].format(are=are, **said)}"
    if kind in _BOUNDS:
        return f"as {_short(value)}; {_BOUNDS[kind].format(**said)}"
    word = next((w for name, w in _WORDS.items() if kind.startswith(f"{name}_")), None)
    allowed = f"; {word} is allowed" if word else f": {error['msg'].rstrip('.')}"
    return f"as {_short(value)}{allowed}"


def _short(value: Any, most: int = 60) -> str:
    """A value as the request had it, cut off where it is long."""
    told = ""
    for part in json.JSONEncoder(default=str, ensure_ascii=False).iterencode(value):
        told += part
        if len(told) > most:
            return f"{told[:most]}..."
    return told


def _names_beside(asked: Any, path: list[str]) -> list[str]:
    """The names that are known where an unknown one came, if that can be told."""
    for part in path[:-1]:
        fields = getattr(asked, "model_fields", {})
        asked = fields[part].annotation if part in fields else None
    return list(getattr(asked, "model_fields", {}))


def _asked_at(scope: Scope) -> Any:
    """The model of the body that a route takes, if it takes one."""
    field = getattr(scope.get("route"), "body_field", None)
    return getattr(getattr(field, "field_info", None), "annotation", None)
