"""The cascade of S0, repaired: a type, then the number of its note or how long a wait is.

Notable: one LSTM reads every event as it is, where the seed's reads types alone; the number of a
note is drawn given its type and the last notes of its own voice, so that each voice keeps a line
and a range of its own; a number is also weighed by its interval from these notes and from the last
note of every voice, which is the same in every key; whether a voice sounds, and for how long, is
told at each event; waits have a distribution, where the seed's have a mean; every event of a
window is learned.

In: (B, T, 1) symbols. Features: (B, T, H + S * (W + M + 109)): the trunk's, each voice's last
notes as the net reads them, their numbers, and how much each number was played. Letters as in
`base`; S voices, K types, W width of a voice's notes, M notes remembered.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.nes_symbols import NUMBERS, NesSymbols
from segue.models.recurrent import LSTM

_SECOND = 44_100.0
_FACTS = 2
"""What is told of a voice: whether it sounds, and how long by the logarithm since it began."""
_LONGEST = 10.0
_SPAN = 8.0
"""Seconds after which a note that was played counts a third."""
_RARE = 0.01
"""What a number that was not played of late has as its share."""


class VoiceCascade(SequenceModel):
    """`layers` LSTM layers over events; `types` and `waits` are given by the encoding.

    Args:
        embedding: width of an event's embedding.
        hidden: units of each LSTM layer, and of the heads.
        layers: number of LSTM layers, with residual connections above the first.
        memory: how many of a voice's last notes are told to the net that draws its next one.
        note_width: width of each of those notes.
        dropout: share of features dropped before each layer and before the heads.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        types: Sequence[tuple[str, int, int]],
        waits: Sequence[int],
        embedding: int = 128,
        hidden: int = 256,
        layers: int = 2,
        memory: int = 8,
        note_width: int = 24,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(sizes, window)
        self.symbols = NesSymbols(sizes[0], types, waits)
        self.hidden, self.memory = hidden, memory
        voices, kinds = self.symbols.voices, self.symbols.kinds
        self.voice_width = memory * note_width
        self.event = nn.Embedding(sizes[0], embedding)
        self.note = nn.Embedding(NUMBERS, note_width)  # 0, no note of any voice, stands for none
        self.lines = nn.Linear(voices * (self.voice_width + _FACTS), embedding)
        widths = (embedding, *[hidden] * (layers - 1))
        self.layers = nn.ModuleList(LSTM(i, hidden) for i in widths)
        self.dropout = nn.Dropout(dropout)
        self.kind = nn.Sequential(
            nn.Linear(hidden, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, kinds)
        )
        self.kind_of_number = nn.Embedding(voices, hidden)
        self.number = nn.Linear(hidden + self.voice_width, hidden)
        self.number_out = nn.Linear(hidden, NUMBERS)
        known = memory + voices  # the voice's own notes, and the last one of each
        self.interval = nn.Parameter(torch.zeros(voices, known, 2 * NUMBERS - 1))
        self.trust = nn.Linear(hidden, known)
        self.habit = nn.Linear(hidden, 1)
        self.wait = nn.Sequential(
            nn.Linear(hidden, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, len(waits))
        )
        for each in (self.event, self.note, self.kind_of_number):
            nn.init.normal_(each.weight, std=0.1)

    def terms(self, columns: Sequence[str]) -> tuple[str, ...]:
        """A score for each of the three."""
        return ("type", "number", "wait")

    # -- the voices --------------------------------------------------------------------------

    def _voices_of(self, events: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T) events to the voices after each: (B, T, S, M) last numbers, (B, T, S, 2) facts."""
        kind, number = self.symbols.kind[events], self.symbols.number[events]
        begins = torch.stack([kind == k for k in self.symbols.on], dim=-1)
        touches = begins | torch.stack([kind == k for k in self.symbols.off], dim=-1)
        place = torch.arange(1, events.shape[1] + 1, device=events.device)[:, None]
        began, touched = ((place * found).cummax(dim=1).values for found in (begins, touches))
        # Of each voice: the row of the last note, of the one before it, and so on; 0 is none.
        numbers = nn.functional.pad(number, (1, 0))
        row, lines = began, []
        for _ in range(self.memory):
            lines.append(numbers.gather(1, row.flatten(1)).view(row.shape))
            row = nn.functional.pad(began, (0, 0, 1, 0)).gather(1, (row - 1).clamp(min=0))
        seconds = self.symbols.samples[events].cumsum(dim=1) / _SECOND
        then = nn.functional.pad(seconds, (1, 0)).gather(1, began.flatten(1)).view(began.shape)
        sounds = (began == touched) & (began > 0)
        return torch.stack(lines, dim=-1), self._facts(sounds, seconds[..., None] - then)

    def _facts(self, sounds: Tensor, age: Tensor) -> Tensor:
        on = sounds.to(age.dtype)
        return torch.stack([on, on * torch.log1p(8 * age.clamp(max=_LONGEST))], dim=-1)

    def _played(self, events: Tensor) -> Tensor:
        """(B, T) events to (B, T, S, 109): how much each voice has played each number of late."""
        now = self.symbols.samples[events].cumsum(dim=1) / _SECOND
        passed = (now[:, :, None] - now[:, None, :]).clamp(min=0)
        seen = torch.ones_like(passed[0], dtype=torch.bool).tril()
        begun = self._begun(events)
        return (torch.exp(-passed / _SPAN) * seen @ begun.flatten(-2)).view(begun.shape)

    def _begun(self, events: Tensor) -> Tensor:
        """(...) events to (..., S, 109): 1 where one begins a note."""
        kind = self.symbols.kind[events]
        begins = torch.stack([kind == k for k in self.symbols.on], dim=-1)
        number = nn.functional.one_hot(self.symbols.number[events], NUMBERS)
        return (begins[..., None] & (number[..., None, :] > 0)).to(self.interval.dtype)

    def _shares(self, played: Tensor) -> Tensor:
        """(..., S, 109) to (..., S * 109) shares of what a voice has played."""
        return (played / (1 + played.sum(-1, keepdim=True))).flatten(-2)

    def _read(self, events: Tensor, notes: Tensor, facts: Tensor) -> Tensor:
        """What the trunk reads of an event: (...), (..., S * W) and (..., S, 2) to (..., E)."""
        x: Tensor = self.event(events)
        return x + self.lines(torch.cat([notes, facts.flatten(-2)], dim=-1))

    # -- events ------------------------------------------------------------------------------

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 1) events to (B, T, H + S * (W + M + 109)), from a zero state and silence."""
        lines, facts = self._voices_of(rows[..., 0])
        notes = self.note(lines).flatten(-3)
        x = self._read(rows[..., 0], notes, facts)
        for i, layer in enumerate(self.layers):
            y, _ = layer(self.dropout(x))
            x = y + x if i else y
        shares = self._shares(self._played(rows[..., 0]))
        return torch.cat([x, notes, lines.flatten(-2).to(x.dtype), shares], dim=-1)

    def _split(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(..., H), (..., S, W), (..., S, M) and (..., S, 109)."""
        voices, widths = self.symbols.voices, (self.voice_width, self.memory, NUMBERS)
        parts, at = [], self.hidden
        for width in widths:
            part = features[..., at : at + voices * width]
            parts.append(part.reshape(*features.shape[:-1], voices, width))
            at += voices * width
        notes, lines, shares = parts
        return self.dropout(features[..., : self.hidden]), notes, lines.long(), shares

    def _numbers(self, context: Tensor, told: Sequence[Tensor], voice: Tensor) -> Tensor:
        """(N, 109) log-probabilities of the next notes of the voices `voice`, (N,).

        `context` is (N, H); `told` are of all voices (N, S, W), (N, S, M) and (N, S, 109).
        """
        notes, lines, shares = told
        own = voice[:, None, None]
        note = notes.gather(1, own.expand(-1, 1, self.voice_width))[:, 0]
        x = self.number(torch.cat([context + self.kind_of_number(voice), note], dim=-1))
        logits: Tensor = self.number_out(self.dropout(nn.functional.gelu(x)))
        logits = logits + self._intervals(context, lines, voice)
        share = shares.gather(1, own.expand(-1, 1, NUMBERS))[:, 0]
        logits = logits + self.habit(context) * (share + _RARE).log()
        return logits.float().masked_fill(~self.symbols.allowed[voice], -1e4).log_softmax(-1)

    def _intervals(self, context: Tensor, lines: Tensor, voice: Tensor) -> Tensor:
        """(N, 109): what each number has going for it by its intervals from notes before it."""
        own = lines.gather(1, voice[:, None, None].expand(-1, 1, self.memory))[:, 0]
        known = torch.cat([own, lines[..., 0]], dim=-1)
        number = torch.arange(NUMBERS, device=known.device)
        each = self.interval[voice].gather(-1, number - known[..., None] + NUMBERS - 1)
        trust = (1 + self.trust(context)) * (known > 0)
        found: Tensor = (each * trust[..., None]).sum(-2)
        return found

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., H + S * (W + M + 109)) to one tuple of (..., V) log-probabilities."""
        context, *told = self._split(features)
        flat = context.flatten(0, -2)
        told = [each.flatten(0, -3) for each in told]
        each = [
            self._numbers(flat, told, torch.full_like(flat[:, 0], v, dtype=torch.long))
            for v in range(self.symbols.voices)
        ]
        numbers = torch.stack(each, dim=-2).reshape(*context.shape[:-1], len(each), NUMBERS)
        kinds = self.kind(context).log_softmax(-1)
        waits = self.wait(context).log_softmax(-1)
        return (self.symbols.composed(kinds, numbers, waits),)

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats of type, number and wait."""
        context, *told = self._split(self.features(rows)[mask])
        event = targets[mask][:, 0]
        kind, number = self.symbols.kind[event], self.symbols.number[event]
        kinds = nn.functional.cross_entropy(self.kind(context).float(), kind, reduction="sum")
        on = self.symbols.is_on(kind)
        voice = self.symbols.voice[kind[on]]
        drawn = self._numbers(context[on], [each[on] for each in told], voice)
        numbers = nn.functional.nll_loss(drawn, number[on], reduction="sum")
        waiting = kind == 0
        logits = self.wait(context[waiting]).float()
        waits = nn.functional.cross_entropy(logits, event[waiting], reduction="sum")
        return torch.stack([kinds, numbers, waits])

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Each voice's last numbers, whether it sounds, seconds since, what it played; layers."""
        voices = self.symbols.voices
        numbers = torch.zeros(batch, voices, self.memory, dtype=torch.long)
        sounds, age = torch.zeros(2, batch, voices).unbind()
        zeros = (torch.zeros(batch, self.hidden) for _ in range(2 * len(self.layers)))
        return (numbers, sounds, age, torch.zeros(batch, voices, NUMBERS), *zeros)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, 1) one event."""
        numbers, sounds, age, played, *layers = state
        event = row[:, 0]
        kind = self.symbols.kind[event]
        begins = torch.stack([kind == k for k in self.symbols.on], dim=-1)
        ends = torch.stack([kind == k for k in self.symbols.off], dim=-1)
        number = self.symbols.number[event][:, None, None].expand(-1, self.symbols.voices, 1)
        shifted = torch.cat([number, numbers[..., :-1]], dim=-1)
        numbers = torch.where(begins[..., None], shifted, numbers)
        sounds = torch.where(begins, 1.0, torch.where(ends, 0.0, sounds))
        passed = (self.symbols.samples[event] / _SECOND)[:, None]
        age = torch.where(begins, 0.0, age + passed)
        played = played * torch.exp(-passed / _SPAN)[..., None] + self._begun(event)
        notes = self.note(numbers).flatten(-3)
        x = self._read(event, notes, self._facts(sounds, age))
        new = []
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, LSTM)
            h, c = layer.step(x, layers[2 * i], layers[2 * i + 1])
            new += [h, c]
            x = h + x if i else h
        told = [x, notes, numbers.flatten(-2).to(x.dtype), self._shares(played)]
        return (torch.cat(told, dim=-1), numbers, sounds, age, played, *new)
