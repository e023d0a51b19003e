"""Workers that crash, hang or raise cost their own item and no other."""

import os
import subprocess
import sys
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


def slow_at_first(number: int) -> int:
    time.sleep(0.3 if number == 0 else 0.0)
    return number


def test_in_order_a_slow_item_holds_the_others_back_but_loses_none():
    outcomes = list(each(slow_at_first, list(range(300)), workers=2, in_order=True))
    assert [o.value for o in outcomes] == list(range(300))


def test_in_order_a_crash_keeps_its_place():
    outcomes = list(each(behave, ["a", "crash", "b", "c"], workers=2, in_order=True))
    assert [o.status for o in outcomes] == [DONE, CRASHED, DONE, DONE]


def test_a_script_without_a_guard_is_not_run_again_in_its_workers(tmp_path: Path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "import os\n"
        "from segue.workers import each\n"
        "print('ran')\n"
        "print([o.value for o in each(os.path.basename, ['a/b', 'c/d'], in_order=True)])\n"
    )
    ran = subprocess.run(
        [sys.executable, script], check=False, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.splitlines() == ["ran", "['b', 'd']"], ran.stderr


def answer_nobody(path: str) -> str:
    Path(path).touch()
    time.sleep(1)
    return path


def test_workers_of_a_killed_parent_leave_without_a_word(tmp_path: Path):
    script = (
        "from test_workers import answer_nobody\n"
        "from segue.workers import each\n"
        f"list(each(answer_nobody, [{str(tmp_path / 'begun')!r}]))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, cwd=Path(__file__).parent
    ) as parent:
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        parent.kill()
        assert parent.stderr
        assert parent.stderr.read() == b"", "read to the end: the worker has left too"
