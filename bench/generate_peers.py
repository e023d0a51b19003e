"""What `bench/generate.py` sets playing beside: eager torch, and GPT-2 of Hugging Face."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from torch import Tensor, nn


class Eager(nn.Module):
    """The net as most code has it: one `nn.LSTM` called with one row at a time."""

    def __init__(self, vocabulary: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.lstm = nn.LSTM(vocabulary, hidden, layers, batch_first=True)
        self.out = nn.Linear(hidden, vocabulary)

    def forward(self, row: Tensor, state: Any) -> tuple[Tensor, Any]:
        hot = nn.functional.one_hot(row, self.vocabulary).float()
        features, state = self.lstm(hot, state)
        return self.out(features), state


class Cells(nn.Module):
    """The net as a loop of `nn.LSTMCell`."""

    def __init__(self, vocabulary: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        sizes = [vocabulary] + [hidden] * (layers - 1)
        self.cells = nn.ModuleList(nn.LSTMCell(size, hidden) for size in sizes)
        self.out = nn.Linear(hidden, vocabulary)

    def forward(self, row: Tensor, state: list[Any]) -> tuple[Tensor, list[Any]]:
        x = nn.functional.one_hot(row[:, 0], self.vocabulary).float()
        new = []
        for cell, each in zip(self.cells, state, strict=True):
            h, c = cell(x, each)
            new.append((h, c))
            x = h
        return self.out(x), new


GPT2 = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import torch, transformers
transformers.logging.set_verbosity_error()
given = json.load(sys.stdin)
torch.set_num_threads(given["threads"])
now = time.process_time if given["threads"] == 1 else time.perf_counter
model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
    vocab_size=given["vocabulary"], n_positions=given["window"], n_embd=given["width"],
    n_layer=given["layers"], n_head=given["heads"],
    bos_token_id=0, eos_token_id=0, pad_token_id=0,
)).eval()
told = {"version": transformers.__version__, "torch": torch.__version__,
        "parameters": sum(p.numel() for p in model.parameters())}
rows = given["rows"]
for batch in given["batches"]:
    start = torch.ones(batch, 1, dtype=torch.long)
    rates = []
    for _ in range(given["times"]):
        began = now()
        with torch.no_grad():
            made = model.generate(start, do_sample=False, min_new_tokens=rows,
                                  max_new_tokens=rows, attention_mask=torch.ones_like(start))
        rates.append(batch * rows / (now() - began))
        assert made.shape == (batch, rows + 1)
    told[str(batch)] = sorted(rates[1:])[len(rates[1:]) // 2]
print(json.dumps(told))
"""


def gpt2(python: str, **given: Any) -> dict[str, Any]:
    """Rows a second of `generate`, by batch, with random weights: nothing is fetched."""
    ran = subprocess.run(
        [python, "-c", GPT2],
        input=json.dumps(given), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        return {"missing": ran.stderr.strip().splitlines()[-1]}
    told: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    return told
