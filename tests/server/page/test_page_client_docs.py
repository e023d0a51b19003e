"""docs/javascript-client.md in a browser, on a page of the service itself."""

from __future__ import annotations

from typing import Any

import client_page
import httpx


def test_the_page_of_javascript_runs_in_a_browser(browser: Any, client: httpx.Client) -> None:
    address = str(client.base_url).rstrip("/")
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/docs")
    more = client_page.kept(end="end", heard="notes", takes="told.takes.length")
    found = page.evaluate(
        "async (address) => {" + client_page.script("browser") + f"\nreturn {more};\n}}", address
    )
    context.close()
    client_page.check(found)
    assert found["end"] == "done"
    assert found["takes"] == 1
    assert found["heard"]
