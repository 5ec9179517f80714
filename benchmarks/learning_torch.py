"""The training steps of `benchmarks.learning` in PyTorch, eagerly."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


class Recurrent(nn.Module):
    def __init__(self, count: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(count, 64)
        self.lstm = nn.LSTM(64, 128, batch_first=True)
        self.scores = nn.Linear(128, count)

    def forward(self, x: Any) -> Any:
        return self.scores(self.lstm(self.embedding(x))[0])


class Transformer(nn.Module):
    def __init__(self, count: int, length: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(count, 64)
        self.positions = nn.Parameter(0.02 * torch.randn(length, 64))
        layer = nn.TransformerEncoderLayer(
            64, 4, 256, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(
            layer, 2, nn.LayerNorm(64), enable_nested_tensor=False
        )
        self.scores = nn.Linear(64, count)
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        self.register_buffer("mask", mask)

    def forward(self, x: Any) -> Any:
        y = self.embedding(x) + self.positions
        return self.scores(self.blocks(y, mask=self.mask, is_causal=True))


def _models(count: int, length: int) -> dict[str, Any]:
    return {
        "MLP": lambda: nn.Sequential(
            nn.Flatten(),
            nn.Linear(64, 128),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        ),
        "CNN": lambda: nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(1024, 10),
        ),
        "LSTM": lambda: Recurrent(count),
        "transformer": lambda: Transformer(count, length),
    }


def step(name: str, task: Any) -> Any:
    from benchmarks.learning import COUNT

    torch.manual_seed(0)
    model = _models(COUNT, task.x.shape[-1])[name]()
    x, targets = torch.from_numpy(task.x.copy()), torch.from_numpy(task.targets.copy())
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    loss_of = nn.CrossEntropyLoss()

    def run() -> None:
        optimiser.zero_grad()
        scores = model(x)
        loss_of(scores.reshape(-1, scores.shape[-1]), targets.reshape(-1)).backward()
        if task.clips:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    return run
