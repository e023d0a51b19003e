"""What there is: health, models, recipes, metrics, the documentation."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

import segue
from segue import recipes
from segue.errors import nearest
from segue.recipes.library import to_toml
from segue.server import schemas
from segue.server.guard import COOKIE, PREFIX
from segue.server.problems import RefusedError, responses
from segue.server.routes.parts import Parts
from segue.server.wire import Wire

router = APIRouter(tags=["about"])


@router.get(f"{PREFIX}/health", response_model=schemas.Health, responses=responses())
def health(parts: Parts) -> dict[str, Any]:
    """Whether the service works, how busy it is, and what it allows."""
    waiting, running = parts.works.counts()
    limits: dict[str, int | float] = dict(vars(parts.settings.limits))
    return {
        "status": "stopping" if parts.works.is_stopping else "ok",
        "version": segue.__version__,
        "models": len(parts.shelf.names()),
        "waiting": waiting,
        "running": running,
        "limits": limits,
    }


@router.get(f"{PREFIX}/models", response_model=schemas.Models, responses=responses())
def models(parts: Parts) -> dict[str, Any]:
    """The bundles that can be played, and how; one of them is the default."""
    return {"models": parts.shelf.described()}


@router.get(f"{PREFIX}/models/{{name}}", response_model=schemas.ModelCard, responses=responses(404))
def model(parts: Parts, name: Annotated[str, Path(min_length=1, max_length=200)]) -> dict[str, Any]:
    """One bundle with its card and everything it says of itself."""
    bundle = parts.shelf.get(name)
    card = bundle.path / "CARD.md"
    untold = ("sha256", "beside", "format_version", "used", "header", "state", "engine")
    from segue.server.making import plain

    return {
        **parts.shelf.describe(name),
        "card": card.read_text(encoding="utf-8") if card.is_file() else "",
        "facts": plain({k: v for k, v in bundle.index.items() if k not in untold}),
    }


@router.get(f"{PREFIX}/recipes", response_model=schemas.Recipes, responses=responses())
def list_recipes() -> dict[str, Any]:
    """The recipes that can be trained."""
    return {"recipes": [_recipe(name) for name in recipes.names()]}


@router.get(f"{PREFIX}/recipes/{{name}}", response_model=schemas.Recipe, responses=responses(404))
def recipe(name: Annotated[str, Path(min_length=1, max_length=200)]) -> dict[str, Any]:
    """One recipe, every default written out."""
    if name not in recipes.names():
        raise RefusedError(404, f"there is no recipe {name!r}; {nearest(name, recipes.names())}.")
    return {**_recipe(name), "toml": to_toml(recipes.load(name))}


def _recipe(name: str) -> dict[str, Any]:
    found = recipes.load(name)
    return {"name": name, "summary": found.summary, "encoding": found.encoding.name}


class Token(Wire):
    """What was given to `segue serve --token`."""

    token: str


@router.post(f"{PREFIX}/session", status_code=204, responses=responses(400))
def session(parts: Parts, asked: Token) -> Response:
    """Keep the token in a cookie, so that the page's links and sounds carry it too."""
    import hmac

    known = parts.settings.token
    if known is not None and not hmac.compare_digest(asked.token.encode(), known.encode()):
        raise RefusedError(401, "this is not the token that the server was started with.")
    response = Response(status_code=204)
    if known is not None:
        response.set_cookie(COOKIE, asked.token, httponly=True, samesite="strict", path="/")
    return response


@router.get("/metrics", include_in_schema=False)
def metrics(parts: Parts) -> Response:
    """Counters for Prometheus."""
    waiting, running = parts.works.counts()
    parts.metrics.waiting.set(waiting)
    parts.metrics.running.set(running)
    parts.metrics.batch.set((parts.performers or parts.shelf).takes)
    return Response(parts.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/docs", include_in_schema=False)
def docs(parts: Parts) -> Response:
    """What every route takes and gives, as a page that needs no script."""
    from segue.server.handbook import page

    document = parts.document()
    return Response(page(document), media_type="text/html; charset=utf-8")
