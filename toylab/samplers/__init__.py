"""Samplers: a gradient part times a transfer part, and the methods that are no such pair."""

from toylab.samplers._methods import aliases, get, method, methods
from toylab.samplers.core import Trajectory, iterate, sample
from toylab.samplers.noise import Seeds

__all__ = ["Seeds", "Trajectory", "aliases", "get", "iterate", "method", "methods", "sample"]
