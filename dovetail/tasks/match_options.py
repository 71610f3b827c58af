"""What a person can ask of a matcher's training: frozen, checked once, saved with the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dovetail.errors import InputError, faults_in_words
from dovetail.measure.threshold import Wish
from dovetail.tasks.match_review import SURE


class MatchOptions(BaseModel):
    """The options of `Matcher.fit`. Precision is a share in (0, 1), costs are in any unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float | None = Field(None, gt=0, description="most minutes that training may take")
    effort: Literal["quick", "normal", "best"] = Field("normal", description="how much to try")
    precision: float | None = Field(None, gt=0, lt=1, description="precision that the threshold must reach")
    costs: dict[Literal["false_match", "missed_match"], float] | None = Field(None, description="what an error costs")
    sure: float = Field(SURE, gt=0.5, lt=1, description="share of decisions without a person that must be right")
    mapping: dict[str, str] = Field(default_factory=dict, description="corresponding columns that a person named")
    seed: int = Field(0, ge=0)
    checkpoint: Path | None = Field(None, exclude=True, description="folder from which a killed training goes on")

    @model_validator(mode="after")
    def _one_line(self) -> MatchOptions:
        try:
            self.wish()
        except InputError as error:
            raise ValueError(str(error)) from None
        return self

    def wish(self) -> Wish:
        """What the threshold shall serve."""
        return Wish(self.precision, None if self.costs is None else {str(k): v for k, v in self.costs.items()})

    @classmethod
    def checked(cls, **values: Any) -> MatchOptions:
        """The options, or an `InputError` that names each one which does not fit."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise InputError(faults_in_words(error.errors())) from None
