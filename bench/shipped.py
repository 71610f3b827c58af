"""The matcher that ships, pair by pair, each set scored by one that was trained without its family."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from dovetail.measure.calibrate import best_f1_threshold, calibration_error, threshold_for_f1
from dovetail.tasks.trees import probabilities


def run(set_name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Average precision, F1 at the adapted and at the best threshold, calibration error."""
    from scripts.train_shipped_matcher import fit, lesson, lessons

    del options
    held = lesson(set_name)
    trees = replace(fit(lessons((held.family,)), seed), facts={})
    score = probabilities(trees.log_odds(held.values))
    threshold = threshold_for_f1(score)
    accepted = score >= threshold
    right = int((held.label[accepted] == 1).sum())
    f1 = 2 * right / max(int(accepted.sum()) + int((held.label == 1).sum()), 1)
    return {
        "family": held.family,
        "pairs": len(held.label),
        "average_precision": round(float(average_precision_score(held.label, score)), 4),
        "f1": round(f1, 4),
        "f1_best": round(best_f1_threshold(score, held.label)[1], 4),
        "threshold": round(threshold, 3),
        "ece": round(calibration_error(score, held.label), 4),
        "mean_score": round(float(np.mean(score)), 4),
        "share": round(float(held.label.mean()), 4),
    }
