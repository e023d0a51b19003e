"""Workers that crash, hang or raise cost their own item and no other."""

import os
import time
from pathlib import Path

import pytest

from segue.errors import FormatError
from segue.workers import BUG, CRASHED, DONE, LATE, REFUSED, each

HANG = 600.0


def behave(how: str) -> str:
    match how:
        case "crash":
            os.abort()
        case "leave":
            os._exit(3)
        case "hang":
            time.sleep(HANG)
        case "refuse":
            raise FormatError("this one is not music.")
        case "bug":
            raise KeyError("lost")
    return how.upper()


def test_one_bad_item_costs_no_other():
    items = ["a", "crash", "b", "refuse", "bug", "leave", "c", "hang", "d"]
    outcomes = {o.index: o for o in each(behave, items, workers=2, seconds=3)}
    assert [outcomes[i].status for i in range(len(items))] == [
        DONE, CRASHED, DONE, REFUSED, BUG, CRASHED, DONE, LATE, DONE,
    ]  # fmt: skip
    assert [outcomes[i].value for i in (0, 2, 6, 8)] == ["A", "B", "C", "D"]
    assert "Abort" in outcomes[1].reason
    assert outcomes[3].reason == "this one is not music."
    assert "KeyError" in outcomes[4].reason
    assert "code 3" in outcomes[5].reason
    assert "longer than 3 seconds" in outcomes[7].reason


def test_nothing_to_do_starts_nothing():
    assert list(each(behave, [], workers=4)) == []


def where(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    if len(list(Path(folder).iterdir())) > 1:
        time.sleep(HANG)


def test_leaving_early_ends_the_workers(tmp_path: Path):
    outcomes = each(where, [str(tmp_path)] * 4, workers=2)
    next(outcomes)
    outcomes.close()
    for child in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(child.name), 0)


@pytest.mark.parametrize(("workers", "seconds"), [(0, 1.0), (1, 0.0)])
def test_a_crew_of_nobody_is_refused(workers: int, seconds: float):
    with pytest.raises(ValueError, match="must be positive"):
        list(each(behave, ["a"], workers=workers, seconds=seconds))
