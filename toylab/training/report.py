"""What a run says of itself in the metadata of its network."""

import platform
from dataclasses import asdict

import numpy as np
import torch

from toylab import __version__

CURVE_POINTS = 100


def report(config, losses):
    """The config, the loss, a thin curve of the losses of the steps done, [n], and versions."""
    parts = np.array_split(losses.double().numpy(), min(CURVE_POINTS, len(losses)))
    curve = [round(float(part.mean()), 5) for part in parts]
    versions = {
        "toylab": __version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }
    done = {} if len(losses) == config.steps else {"steps_done": len(losses)}
    return {"training": asdict(config), **done, "loss": curve[-1], "loss_curve": curve, "versions": versions}
