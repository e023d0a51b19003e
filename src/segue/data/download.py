"""Downloads that go on where they were cut off, and are checked before anybody uses them."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import segue
from segue.errors import DataError

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all or 0)."""

# A server that says nothing for this long has gone away; tried again this often, this far apart.
_PATIENCE_SECONDS = 30.0
_TRIES, _PAUSE_SECONDS = 4, 1.0
# The most that is taken from a server where the table gives no size.
_MOST_BYTES = 2**31
_BLOCK = 2**18


def download(
    urls: Sequence[str],
    target: Path,
    *,
    size: int = 0,
    sha256: str = "",
    progress: Progress | None = None,
) -> tuple[str, str]:
    """Fetch the first of `urls` that works to `target`; gives that URL and the file's SHA-256.

    What is there of `target` already counts as the beginning of the file, and is asked for no
    more. Raises DataError if no URL works, or the file has not the `size` (0: unknown) and
    `sha256` ("": unknown) that were expected; such a file is deleted.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in urls:
        if urlsplit(url).scheme not in ("http", "https"):
            raise DataError(f"{url}: only http and https are fetched.")
        try:
            _fetch(url, target, size, progress or (lambda done, total: None))
            digest = _checked(url, target, size, sha256)
        except (OSError, http.client.HTTPException, DataError) as error:
            failures.append(f"{url}: {_said(error)}")
        else:
            return url, digest
    raise DataError(
        f"nothing could be downloaded ({'; '.join(failures)}). Check the connection and run the "
        "command again: it goes on where it stopped."
    )


def _said(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error or type(error).__name__).rstrip(".")


def _fetch(url: str, target: Path, size: int, progress: Progress) -> None:
    """Fetch the rest of the file, trying again from where it stopped while that gets further."""
    tries = 0
    while True:
        before = target.stat().st_size if target.exists() else 0
        try:
            _fetch_once(url, target, size, progress)
        except urllib.error.HTTPError:
            raise  # the server has answered: asking again changes nothing
        except (OSError, http.client.HTTPException):
            after = target.stat().st_size if target.exists() else 0
            tries = 0 if after > before else tries + 1
            if tries >= _TRIES:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _fetch_once(url: str, target: Path, size: int, progress: Progress) -> None:
    have = target.stat().st_size if target.exists() else 0
    if size and have == size:
        return
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        url, headers={"User-Agent": f"segue/{segue.__version__}", "Accept-Encoding": "identity"}
    )
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer = urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            error.close()
            return  # there is no more: the check says whether that is all of it
        raise
    with answer:
        goes_on = have and answer.status == http.client.PARTIAL_CONTENT
        done = have if goes_on else 0
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length and length.isdigit() else size
        with target.open("ab" if goes_on else "wb") as file:
            while block := answer.read(_BLOCK):
                done += len(block)
                if done > (size or _MOST_BYTES):
                    raise DataError(f"sends more than the {size or _MOST_BYTES:,} bytes expected")
                file.write(block)
                progress(done, total)
        if total and done < total:
            raise http.client.IncompleteRead(b"", total - done)


def _checked(url: str, target: Path, size: int, sha256: str) -> str:
    digest = hashlib.sha256()
    with target.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    found, bytes_found = digest.hexdigest(), target.stat().st_size
    if (size and bytes_found != size) or (sha256 and found != sha256.lower()):
        target.unlink()
        wanted = f"{size:,} bytes with SHA-256 {sha256 or 'unknown'}"
        raise DataError(f"came as {bytes_found:,} bytes with SHA-256 {found}, not as {wanted}")
    return found
