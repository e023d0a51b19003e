"""Search: Optuna studies over a declared space of a recipe's keys, judged by held-out loss."""

import importlib.util

from segue.errors import MissingExtraError


def require_optuna() -> None:
    """MissingExtraError if Optuna cannot be imported."""
    if importlib.util.find_spec("optuna") is None:
        raise MissingExtraError("searching", "optuna", "search")
