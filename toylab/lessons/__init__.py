"""The calls of the notebooks: players, labs, predictions, exercises, small tables. Imported on first use."""

from typing import TYPE_CHECKING

from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.lessons.exercises import exercise as exercise
    from toylab.lessons.exercises.report import progress_table as progress_table
    from toylab.lessons.forgiving import forgiveness as forgiveness
    from toylab.lessons.galleries import explore_images as explore_images
    from toylab.lessons.guiding import explore_guided as explore_guided
    from toylab.lessons.guiding import leaving as leaving
    from toylab.lessons.labs import clock_lab as clock_lab
    from toylab.lessons.labs import fault_lab as fault_lab
    from toylab.lessons.labs import order_lab as order_lab
    from toylab.lessons.labs import work_lab as work_lab
    from toylab.lessons.memory import memory_lab as memory_lab
    from toylab.lessons.memory import memory_table as memory_table
    from toylab.lessons.players import build as build
    from toylab.lessons.players import explore as explore
    from toylab.lessons.players import explore_forward as explore_forward
    from toylab.lessons.players import twin_table as twin_table
    from toylab.lessons.players import twins as twins
    from toylab.lessons.predictions import predict as predict
    from toylab.lessons.tables import one_point_table as one_point_table
    from toylab.lessons.tables import phi_table as phi_table
    from toylab.lessons.tables import start_table as start_table

__getattr__, __dir__, __all__ = attach(__name__)
