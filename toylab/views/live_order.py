"""Convergence orders live: controls on the left of a figure that measures anew at every change."""

import base64

import ipywidgets as widgets
import matplotlib.pyplot as plt

from toylab import datasets, grids, schedules
from toylab.analysis import order_table
from toylab.problems import curve
from toylab.samplers import methods as known_methods
from toylab.views.picture import png
from toylab.views.plots import plot_order

FIRST = {"10 to 80": 10, "20 to 160": 20, "40 to 320": 40, "80 to 640": 80, "160 to 1280": 160}
T_END = (0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3)
T_START = (0.5, 0.6, 0.7, 0.8, 0.9, "t_max")
SPREAD = (0.02, 0.05, 0.1, 0.2, 0.4)


class OrderLab(widgets.HBox):
    """Orders of several methods on a data set with the exact epsilon, measured at every change of a control.

    Attributes:
        table: the `OrderTable` on show, or None where nothing could be measured; `error` says why.
    """

    def __init__(self, methods, dataset, particles):
        self.table, self._particles = None, particles
        wide = {"style": {"description_width": "70px"}, "layout": widgets.Layout(width="290px")}
        slider = {"continuous_update": False, **wide}
        self.controls = {
            "dataset": widgets.Dropdown(options=datasets.names(), value=dataset, description="data set", **wide),
            "schedule": widgets.Dropdown(options=schedules.names(), description="schedule", **wide),
            "spacing": widgets.Dropdown(options=grids.spacings(), description="spacing", **wide),
            "steps": widgets.SelectionSlider(options=FIRST, value=40, description="steps", **slider),
            "t_start": widgets.SelectionSlider(options=T_START, value="t_max", description="t_start", **slider),
            "t_end": widgets.SelectionSlider(options=T_END, value=0.2, description="t_end", **slider),
            "spread": widgets.SelectionSlider(options=SPREAD, value=0.05, description="spread", **slider),
            "methods": widgets.SelectMultiple(
                options=[name for name in known_methods() if name not in ("DDPM", "PF", "Adaptive-Heun")],
                value=list(methods), rows=9, description="methods", **wide,
            ),
        }  # fmt: skip
        self.error = widgets.HTML()
        fitting = widgets.Layout(max_width="820px", min_width="0px", height="auto", object_fit="contain")
        self.picture = widgets.Image(format="png", layout=fitting)
        column = widgets.Layout(flex="0 0 310px", overflow="visible")
        super().__init__([widgets.VBox([*self.controls.values(), self.error], layout=column), self.picture])
        for control in self.controls.values():
            control.observe(self.measure, "value")
        self.measure()

    def measure(self, _change=None):
        """Measure with the controls as they are, and draw; an error leaves the old picture and says what is wrong."""
        chosen = {name: control.value for name, control in self.controls.items()}
        self.error.value = "measuring …"
        try:
            problem = curve(chosen["dataset"], 240, chosen["spread"], chosen["schedule"])
            self.table = order_table(
                problem.eps, problem.schedule, chosen["methods"], [chosen["steps"] * 2**k for k in range(4)],
                n=self._particles, t_end=chosen["t_end"], spacing=chosen["spacing"], progress=False,
                t_start=None if chosen["t_start"] == "t_max" else chosen["t_start"],
            )  # fmt: skip
        except ValueError as error:
            self.error.value = f"<b>{error}</b>"
            return
        ax = plot_order(list(self.table.estimates.values()))
        ax.set_title(f"convergence order: {problem.title}, t_end = {chosen['t_end']:g}", fontsize=12)
        self.picture.value = png(ax.figure, dpi=100)
        plt.close(ax.figure)
        self.error.value = "<br>".join(f"{name}: {reason}" for name, reason in self.table.left_out.items())

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return data | {"image/png": base64.b64encode(self.picture.value).decode()}, metadata


def order_lab(methods=("DDIM", "S-PNDM", "F-PNDM", "RK4"), dataset="circle", particles=24):
    """A live figure of convergence orders with controls for everything that can hide one. Returns an `OrderLab`."""
    return OrderLab(methods, dataset, particles)
