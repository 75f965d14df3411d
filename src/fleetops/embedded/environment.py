"""Settings as a child process gets them: through the same variables a person would set."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from pydantic import BaseModel, SecretStr

from ..settings import Settings

PREFIX = "FLEETOPS_"


def child_environment(settings: Settings, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`inherited` with every setting of ours in it: what the child builds from it equals `settings`."""
    rest = {name: value for name, value in inherited.items() if not name.upper().startswith(PREFIX)}
    return rest | _variables(settings, PREFIX)


def _variables(section: BaseModel, prefix: str) -> dict[str, str]:
    variables: dict[str, str] = {}
    for name in type(section).model_fields:
        value: object = getattr(section, name)
        variable = f"{prefix}{name.upper()}"
        if isinstance(value, BaseModel):
            variables |= _variables(value, f"{variable}__")
        elif isinstance(value, SecretStr):
            variables[variable] = value.get_secret_value()
        elif isinstance(value, dict | list | tuple | bool):
            variables[variable] = json.dumps(value)
        elif value is not None:
            variables[variable] = str(value)
    return variables
