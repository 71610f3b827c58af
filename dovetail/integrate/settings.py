"""Everything a person can set about integrating tables: frozen, checked once, saved with every result."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dovetail.errors import InputError, faults_in_words

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


class IntegrateSettings(BaseModel):
    """The settings of one integration. Shares are fractions in [0, 1], memory is in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mapping: dict[str, str] = Field(default_factory=dict, description="corresponding columns that a person named")
    within: bool | None = Field(
        None, description="look for duplicates inside one source; None: if it seems to repeat itself"
    )
    recall: float | None = Field(None, gt=0, le=1, description="share of the true matches that blocking must keep")
    max_pairs: int | None = Field(None, ge=1, description="most candidate pairs")
    memory: int | None = Field(None, ge=200_000_000, description="most bytes of memory, 0.2 GB at least")
    threshold: float | None = Field(None, gt=0, lt=1, description="score from which a pair is a match")
    precision: float | None = Field(None, gt=0, lt=1, description="precision that the threshold must promise")
    clusterer: str = Field("auto", description="how matches become entities")
    rules: dict[str, str] = Field(default_factory=dict, description="how a column is fused")
    trust: tuple[str, ...] = Field((), description="sources, the most trusted first")
    guard_formulas: bool = Field(False, description="whether cells of CSV files are kept from running in a spreadsheet")
    seed: int = Field(0, ge=0)

    @field_validator("memory", mode="before")
    @classmethod
    def _memory(cls, value: Any) -> Any:
        return parse_bytes(value) if isinstance(value, str) else value

    @field_validator("clusterer")
    @classmethod
    def _known_clusterer(cls, value: str) -> str:
        from dovetail.integrate.cluster import check_method

        check_method(value)
        return value

    @field_validator("rules")
    @classmethod
    def _known_rules(cls, value: dict[str, str]) -> dict[str, str]:
        from dovetail.integrate.fuse_rules import parse_rule

        for rule in value.values():
            parse_rule(rule)
        return value

    @model_validator(mode="after")
    def _one_line(self) -> IntegrateSettings:
        if self.threshold is not None and self.precision is not None:
            raise ValueError("give either a threshold or a precision: each draws the line on its own")
        return self

    @classmethod
    def checked(cls, **values: Any) -> IntegrateSettings:
        """The settings, or an `InputError` that names each field which does not fit."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise InputError(faults_in_words(error.errors())) from None


def parse_bytes(text: str) -> int:
    """`4GB`, `800 MB`, `2GiB` or a plain number of bytes as bytes."""
    match = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*([kmgt]i?)?b?\s*", text.casefold())
    if not match:
        raise ValueError(f"{text!r} is no amount of memory; write for example 4GB or 800MB")
    return int(float(match[1].replace(",", ".")) * _UNITS[match[2] or ""])
