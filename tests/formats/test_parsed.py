from __future__ import annotations

import pytest
import symusic

from formats.midi_bytes import END, SCALE, meta, note, smf
from segue.formats import parsed


def some_file() -> bytes:
    head = meta(3, "Flöte".encode()) + meta(0x51, b"\x07\xa1\x20") + meta(0x58, b"\x03\x03\x18\x08")
    changes = b"\x00\xb0\x40\x7f\x10\xe0\x00\x60\x00\xff\x05\x02la\x00\xff\x06\x01m"
    return smf(head + changes + SCALE + END, meta(0x59, b"\xfd\x01") + note(40, channel=9) + END)


def test_state_and_columns_say_the_same() -> None:
    score = symusic.Score.from_midi(some_file())
    from_state = parsed._from_state(score.__getstate__())
    assert parsed._plain(from_state) == parsed._plain(parsed._from_columns(score))


def test_the_layout_of_the_installed_symusic_is_known() -> None:
    parsed._layout_is_known.cache_clear()
    assert parsed._layout_is_known()


def test_columns_are_used_when_the_layout_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = parsed._plain(parsed.parse(some_file()))
    monkeypatch.setattr(parsed, "_layout_is_known", lambda: False)
    assert parsed._plain(parsed.parse(some_file())) == expected


def test_a_layout_that_has_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = parsed._from_state
    for broken in (lambda block: whole(b"\x00" + block), lambda block: whole(block[:-9])):
        monkeypatch.setattr(parsed, "_from_state", broken)
        parsed._layout_is_known.cache_clear()
        assert not parsed._layout_is_known()
    parsed._layout_is_known.cache_clear()


def test_what_symusic_refuses_is_raised() -> None:
    with pytest.raises(RuntimeError):
        parsed.parse(b"MThd but no more")
