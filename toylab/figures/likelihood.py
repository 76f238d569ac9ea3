"""The figure of how likely samples are."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from toylab.analysis import LogLikelihood
from toylab.figures.look import in_our_look


@in_our_look
def plot_likelihood(result: LogLikelihood, ax: Axes | None = None) -> Axes:
    """Samples in the plane, coloured by their log density; of other samples the histogram of their bits a dimension."""
    ax = plt.subplots(figsize=(7.2, 5.6))[1] if ax is None else ax
    if tuple(result.x.shape[1:]) == (2,):
        dots = ax.scatter(*result.x.cpu().double().numpy().T, c=result.log_prob.cpu().double().numpy(), s=14)
        ax.figure.colorbar(dots, ax=ax, label="log density [nats]")
        ax.set_aspect("equal")
    else:
        ax.hist(result.bits_per_dim().cpu().double().numpy(), bins=30)
        ax.set(xlabel="bits per dimension", ylabel="samples")
    ax.set_title(f"{result.method}, {result.steps} steps, {result.nfe} evaluations")
    return ax
