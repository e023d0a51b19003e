"""The routes of `/api/v1`: one router a noun."""

from segue.server.routes import about, jobs, judge, listen, make, music, takes, train

ROUTERS = tuple(module.router for module in (about, make, jobs, takes, music, judge, train, listen))

__all__ = ["ROUTERS"]
