"""What a person can ask of a classifier's training: frozen, checked once, saved with the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dovetail.errors import InputError, UnknownName, faults_in_words
from dovetail.training.augment import TEXT_AUGMENTERS
from dovetail.training.optimizers import check_optimizer

RUNGS = ("names", "words", "vectors")
AUGMENTS = (*TEXT_AUGMENTERS, "neighbours", "mix")  # how texts can be varied


class ClassifyOptions(BaseModel):
    """The options of `Classifier.fit`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float | None = Field(None, gt=0, description="most minutes that training may take")
    effort: Literal["quick", "normal", "best"] = Field("normal", description="how far up the ladder to try")
    kind: Literal["auto", "one", "many", "tree"] = Field("auto", description="labels a text: one, many, or a path")
    names: dict[str, str] = Field(default_factory=dict, description="class: what it means, in words")
    outside: str | None = Field(None, description="the label that means none of the classes")
    class_weights: Literal["none", "balanced"] | dict[str, float] = Field("none", description="how much a row counts")
    rungs: tuple[str, ...] = Field(
        (), description="the steps of the ladder to try: names, words, vectors; all if empty"
    )
    folds: int | None = Field(None, ge=2, le=20, description="held-out parts; chosen from the number of labels")
    loss: Literal["cross-entropy", "focal", "contrastive"] = Field("cross-entropy", description="of tuned layers")
    smoothing: float = Field(0.0, ge=0, lt=0.5, description="share of each label spread over the other classes")
    layers: str | None = Field(None, description="tuned layers: all, top-2 (any number), lora; tried in turn if absent")
    learning_rate: float | None = Field(None, gt=0, description="of tuned layers")
    epochs: float | None = Field(None, gt=0, description="passes over the labels while tuning")
    batch: int = Field(32, ge=2, description="rows a step while tuning")
    dropout: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.01, ge=0)
    optimizer: str = Field("adamw", description="what moves the weights while tuning: adamw, adam, adafactor, …")
    patience: int = Field(
        0, ge=0, description="epochs without a gain on a tenth of the labels before tuning stops; 0 never stops early"
    )
    augment: tuple[str, ...] = Field((), description="how texts are varied, kept if that helps: neighbours, mix, …")
    search: float | None = Field(None, gt=0, description="minutes in which settings of the heads are searched")
    search_folder: str | None = Field(None, description="where the search is kept, so that a killed one goes on")
    max_tokens: int = Field(256, ge=8, le=512, description="tokens that are read of a text")
    keep_texts: bool = Field(True, description="keep labelled texts in the model, for precedents and updates")
    checkpoint: Path | None = Field(None, exclude=True, description="folder from which a killed training goes on")
    seed: int = Field(0, ge=0)

    @classmethod
    def checked(cls, **values: Any) -> ClassifyOptions:
        """The options, or an `InputError` that names each one which does not fit."""
        names = values.get("names")
        if names is not None and not isinstance(names, dict):
            values = {**values, "names": {str(n): str(n) for n in names}}
        if isinstance(values.get("augment"), str):
            values = {**values, "augment": (values["augment"],)}
        for name in values:
            if name not in cls.model_fields:
                raise UnknownName("option", name, cls.model_fields)
        for name in values.get("rungs") or ():
            if name not in RUNGS:
                raise UnknownName("rung", name, RUNGS)
        for name in values.get("augment") or ():
            if name not in AUGMENTS:
                raise UnknownName("way to vary texts", name, AUGMENTS)
        weights = values.get("class_weights")
        for name, weight in weights.items() if isinstance(weights, dict) else ():
            if not 0 < _number(weight) < float("inf"):
                raise InputError(
                    f"class_weights says {weight!r} for {name!r}; expected a number above 0, 1 is the usual"
                )
        if isinstance(values.get("optimizer"), str):
            check_optimizer(values["optimizer"])
        try:
            return cls(**values)
        except ValidationError as error:
            raise InputError(faults_in_words(error.errors())) from None


def _number(value: Any) -> float:
    """A number, or NaN for what is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
