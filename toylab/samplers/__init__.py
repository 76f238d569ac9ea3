"""Samplers: a gradient part times a transfer part, and the methods that are no such pair."""

from .core import Trajectory, iterate, sample
from .noise import Seeds
from .registry import aliases, get, method, methods

__all__ = ["Seeds", "Trajectory", "aliases", "get", "iterate", "method", "methods", "sample"]
