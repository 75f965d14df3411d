"""Known faults, put into recorded scenes from a seed: what a detector is judged by. Pure.

Faults act on a scene's raw rows, as a dataset holds them, so that everything behind the reader
(normalization, admission, the engine) meets them as it would meet the real ones.
"""

from .catalogue import FAULTS, Fault
from .injection import EGO, Disturbed, Injection, inject

__all__ = ["EGO", "FAULTS", "Disturbed", "Fault", "Injection", "inject"]
