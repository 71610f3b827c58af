"""A tiny pre-trained network on disk, as any folder of transformers: random weights, a tokenizer of whole words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def save_tiny(folder: Path, words: Sequence[str]) -> Path:
    """A BERT of two layers and 16 dimensions that knows these words; gives the folder."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    marks = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102}
    vocabulary = {**marks, **{word: 103 + i for i, word in enumerate(words)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("[CLS]", 101), ("[SEP]", 102)]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=103 + len(words), **size)).save_pretrained(folder)
    (folder / "modules.json").write_text(json.dumps([]), encoding="utf-8")
    return folder
