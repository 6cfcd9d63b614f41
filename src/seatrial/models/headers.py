"""Request headers whose values are secrets: read from the environment, named by their variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from seatrial.core.errors import SettingsError

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def headers_from(
    variables: Mapping[str, str], *, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return request headers whose values are read from environment variables.

    Args:
        variables: Header name to variable name.
        environment: Where to look; default: that of this process.

    Raises:
        SettingsError: A variable is not set, or holds what no header may.
    """
    known = os.environ if environment is None else environment
    headers = {}
    for header, variable in variables.items():
        value = known.get(variable, "")
        if not _HEADER_NAME.fullmatch(header):
            raise SettingsError(
                f"endpoint.header_env: {header!r} is no name of a header.",
                hint="For example: Authorization",
            )
        if not value or not (value.isprintable() and value.isascii()):
            raise SettingsError(
                f"endpoint.header_env: {header} comes from ${variable}, which "
                f"{'holds more than printable ASCII' if value else 'is not set'}.",
                hint=f"Set it: export {variable}=…",
            )
        headers[header] = value
    return headers
