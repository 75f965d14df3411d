"""One meaning for compiled and plain code: the same functions, compiled only at the top.

A function marked `@compiled` stays an ordinary Python function when Python calls it, in a
test or a debugger, and is compiled into whatever compiled function calls it. Only
`jit` makes a dispatcher, and only the engine's loop needs one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba
import platformdirs
from numba.extending import register_jitable

P = ParamSpec("P")
R = TypeVar("R")


OPTIONS: Any = {
    "error_model": "numpy",
    # No reference counting: nothing in here allocates or keeps an array, and counting was
    # nine tenths of the cost (docs/decisions/0003). Code that does allocate fails to compile.
    "_nrt": False,
}
"""How everything is compiled. No fastmath: streaming, backtest and the plain form agree to the last bit."""

INLINE: Any = {**OPTIONS, "forceinline": True}
"""How everything but the outermost loop is compiled: a call would copy all arrays' descriptors."""


def source_digest() -> str:
    """Digest of every module that can end up in compiled code.

    numba's disk cache looks only at the file of the outermost function: after an edit of a
    rule it would go on running the old one. So the cache folder is named by this digest.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    room = Path(__file__).parent
    for module in sorted([*room.glob("*.py"), *room.glob("rules/*.py")]):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:16]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Mark `function` as compilable; calling it from Python stays plain Python."""
    marked: Callable[P, R] = register_jitable(**INLINE)(function)
    return marked


def called(function: Callable[P, R]) -> Callable[P, R]:
    """Like `compiled`, but called and not inlined: for what is long, or used by several rules.

    Inlined everywhere, the rules of `calibrated` took several times as long to compile.
    """
    marked: Callable[P, R] = register_jitable(**OPTIONS)(function)
    return marked


def jit(function: Callable[P, R]) -> Callable[P, R]:
    """The compiled form of `function`, compiled at its first call and cached on disk."""
    # numba asks for the folder when it decorates; it is one setting for all, so others get theirs back.
    before = getattr(numba.config, "CACHE_DIR", "")
    folder = platformdirs.user_cache_path("fleetops") / "compiled" / source_digest()
    setattr(numba.config, "CACHE_DIR", str(folder))  # noqa: B010 - made at run time, unknown to the type checker
    try:
        dispatcher: Callable[P, R] = numba.njit(cache=True, nogil=True, **OPTIONS)(function)
    finally:
        setattr(numba.config, "CACHE_DIR", before)  # noqa: B010
    return dispatcher
