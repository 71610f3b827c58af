"""SetFit on a handful of labels, in an environment of its own: `python peer_setfit.py parts.json ENCODER SEED`.

`parts.json` holds `texts` and `labels` to learn from, and `test`, the texts to classify. The recipe is the one its
documentation teaches: one epoch of contrastive pairs, its default sampling, batches of 16, a logistic head. Prints one
JSON object with what was predicted and the seconds of training alone.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from datasets import Dataset  # type: ignore[import-not-found]
from setfit import SetFitModel, Trainer, TrainingArguments


def main(path: str, encoder: str, seed: int) -> None:
    """Train, predict, say."""
    parts = json.loads(Path(path).read_text(encoding="utf-8"))
    names = sorted(set(parts["labels"]))
    codes = [names.index(label) for label in parts["labels"]]
    model = SetFitModel.from_pretrained(encoder, device="cpu")
    asked = TrainingArguments(
        batch_size=16, num_epochs=1, seed=seed, output_dir=f"{path}.out", report_to="none", save_strategy="no"
    )
    rows = Dataset.from_dict({"text": parts["texts"], "label": codes})
    trainer = Trainer(model=model, args=asked, train_dataset=rows)
    start, busy = time.perf_counter(), time.process_time()
    trainer.train()
    took, busy = time.perf_counter() - start, time.process_time() - busy
    said = [names[int(i)] for i in model.predict(parts["test"], show_progress_bar=False)]
    print(json.dumps({"predicted": said, "seconds": round(took, 2), "cpu_seconds": round(busy, 2)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
