"""Networks to train, export and begin with."""

from __future__ import annotations

import torch

from models.train.detector.start import ARCHITECTURES, new_model


def normalising(seed, architecture=ARCHITECTURES["finder"]):
    """A finder whose batch normalisation changes something, unlike that of a new one."""
    torch.manual_seed(seed)
    model = new_model(architecture)
    for name, value in model.state_dict().items():
        if name.endswith("running_var"):
            value.fill_(0.7)
        if name.endswith(".bias"):
            value.normal_(std=0.1)  # an export writes equal tensors once
    return model.eval()
