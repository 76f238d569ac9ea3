"""What the notebooks call: players set up for a question, labs, and small tables. Imported on first use."""

from toylab._lazy import attach

_OBJECTS = {
    "build": "players",
    "clock_lab": "labs",
    "explore": "players",
    "explore_forward": "players",
    "fault_lab": "labs",
    "one_point_table": "tables",
    "order_lab": "labs",
    "phi_table": "tables",
    "start_table": "tables",
    "twin_table": "players",
    "twins": "players",
    "work_lab": "labs",
}

__all__ = list(_OBJECTS)
__getattr__, __dir__ = attach(__name__, _OBJECTS)
