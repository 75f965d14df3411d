"""One meaning for compiled and plain code: the same functions, compiled only at the top.

A function marked `@compiled` stays an ordinary Python function when Python calls it, in a
test or a debugger, and is compiled into whatever compiled function calls it. Only
`jit` makes a dispatcher, and only the engine's loop needs one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import numba
import platformdirs
from numba.extending import register_jitable

P = ParamSpec("P")
R = TypeVar("R")


def source_digest() -> str:
    """Digest of every module that can end up in compiled code.

    numba's disk cache looks only at the file of the outermost function: after an edit of a
    rule it would go on running the old one. So the cache folder is named by this digest.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for module in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:16]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Mark `function` as compilable; calling it from Python stays plain Python."""
    marked: Callable[P, R] = register_jitable(forceinline=True, error_model="numpy", _nrt=False)(function)
    return marked


def jit(function: Callable[P, R]) -> Callable[P, R]:
    """The compiled form of `function`, compiled at its first call and cached on disk.

    No fastmath: streaming, backtest and the uncompiled twin must agree to the last bit.
    """
    folder = str(platformdirs.user_cache_path("fleetops") / "compiled" / source_digest())
    setattr(numba.config, "CACHE_DIR", folder)  # noqa: B010 - made at run time, unknown to the type checker
    dispatcher: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function)
    return dispatcher
