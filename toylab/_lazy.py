"""Packages whose objects are imported on first use."""

import sys
from importlib import import_module


def attach(package, objects):
    """``__getattr__`` and ``__dir__`` for the module `package` (PEP 562): `objects` maps each public name to the
    submodule that defines it, which is imported when the name is first asked for."""

    def getattribute(name):
        if name in objects:
            return getattr(import_module(f"{package}.{objects[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names():
        return sorted({*vars(sys.modules[package]), *objects})

    return getattribute, names
