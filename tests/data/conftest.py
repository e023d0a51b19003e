"""The small encoding stands in the table of encodings while the data package is tested."""

import pytest
from tiny_encoding import PitchOnly

import segue.encodings


@pytest.fixture(autouse=True)
def small_encoding(monkeypatch: pytest.MonkeyPatch) -> PitchOnly:
    known = segue.encodings.from_state

    def from_state(state):
        if state["name"] != PitchOnly.name:
            return known(state)
        alphabet = state["alphabet"]
        return PitchOnly(alphabet=alphabet and tuple(alphabet), wide=state["wide"])

    monkeypatch.setattr(segue.encodings, "from_state", from_state)
    return PitchOnly()
