"""Other people's programs beside ours, each in an environment of its own under `.cache`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path
from typing import Any

import numpy as np

from bench.texts import Part

ROOT = Path(__file__).resolve().parent.parent
SETFIT = ROOT / ".cache" / "setfit-venv"


def setfit(train: Part, test: Part, shots: int, seed: int) -> dict[str, Any]:
    """SetFit on the same rows with the same encoder: accuracy, seconds and processor seconds of training alone.

    It runs over the torch, transformers and sentence-transformers of this environment, so that both use the same ones.
    """
    from dovetail.encoders.pretrained import folder_of

    python = _installed(SETFIT, "setfit==1.2.0")
    with tempfile.TemporaryDirectory() as home:
        parts = Path(home) / "parts.json"
        parts.write_text(json.dumps({"texts": train.texts, "labels": train.labels, "test": test.texts}), "utf-8")
        command = [python, str(ROOT / "bench" / "peer_setfit.py"), str(parts), str(folder_of()), str(seed)]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"SetFit ended with code {done.returncode}: {done.stderr[-500:]}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    right = np.array(told["predicted"]) == np.array(test.labels)
    return {
        "system": "setfit",
        "shots": shots,
        "train": len(train),
        "test": len(test),
        "accuracy": round(float(right.mean()), 4),
        "seconds": told["seconds"],
        "cpu_seconds": told["cpu_seconds"],
    }


def _installed(home: Path, package: str) -> str:
    """The Python of an environment that has a package, and everything of this one beside it."""
    python = home / "bin" / "python"
    if not python.exists():
        print(f"installing {package} into {home}", file=sys.stderr)
        venv.create(home, with_pip=True)
        place = next((home / "lib").glob("python*/site-packages"))
        (place / "beside.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", package], check=True, stdout=sys.stderr)
    return str(python)
