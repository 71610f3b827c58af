"""Every loss, augmenter, setting and choice of layers stands on the page about training."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from dovetail.training.augment import AUGMENTERS, HARD_NEGATIVES, TEXT_AUGMENTERS
from dovetail.training.losses import LOSSES
from dovetail.training.settings import TuneSettings

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "training.md").read_text(encoding="utf-8")
NAMES = sorted({*LOSSES, *AUGMENTERS, *HARD_NEGATIVES, *TEXT_AUGMENTERS, "all", "top-2", "head", "lora"})


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("setting", [f.name for f in fields(TuneSettings)])
def test_every_setting_is_documented(setting: str) -> None:
    assert f"`{setting}`" in PAGE
