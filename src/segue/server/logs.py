"""The log: one line of JSON an event, on standard error, whoever has something to say."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from typing import TextIO

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """A record as JSON: when, how grave, what, and all that was said beside."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **{k: v for k, v in vars(record).items() if k not in _STANDARD},
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


def make_logger(stream: TextIO | None = None) -> logging.Logger:
    """The service's own logger, which writes JSON lines and passes nothing on."""
    return _told_as_lines("segue.server", logging.INFO, stream)


def adopt_others() -> None:
    """Let what is said beside the service be lines of JSON too: warnings, threads that fall."""
    logger = _told_as_lines(None, logging.WARNING, None)
    logging.captureWarnings(True)

    def fell(args: threading.ExceptHookArgs) -> None:
        told = (args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)
        name = args.thread.name if args.thread else None
        logger.error("a thread fell", exc_info=told, extra={"thread_name": name})

    threading.excepthook = fell


def _told_as_lines(name: str | None, level: int, stream: TextIO | None) -> logging.Logger:
    logger = logging.getLogger(name)
    logger.setLevel(level)
    logger.propagate = False
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    return logger
