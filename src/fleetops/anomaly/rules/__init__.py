"""The rules: one condition each, thresholds as a NamedTuple and one scalar function.

A rule joins by `@rule(...)` in a module of this folder; nothing else lists it.
"""

from __future__ import annotations

import importlib
import pkgutil

from .registry import RULES, Rule, Scope, evaluate_rules, rule, spans

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["RULES", "Rule", "Scope", "evaluate_rules", "rule", "spans"]
