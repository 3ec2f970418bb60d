"""Hugging Face's Trainer on masked words, as its own example script has it: `python hf_pretrain.py VOCAB TEXT JSON`, settings as JSON.

Prints a JSON line: words told a second, by report; told words an update.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertTokenizerFast,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

vocabulary, text, told = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
torch.set_num_threads(told["threads"])
tokenizer = BertTokenizerFast(vocabulary, do_lower_case=True)
ids = [i for line in text.read_text("utf-8").splitlines() if line for i in tokenizer(line)["input_ids"]]
length = told["length"]
blocks = [{"input_ids": ids[i : i + length]} for i in range(0, len(ids) - length, length)]
config = BertConfig(
    vocab_size=len(tokenizer), hidden_size=told["size"], num_hidden_layers=told["layers"], num_attention_heads=told["heads"],
    intermediate_size=told["feedforward"], max_position_embeddings=length,
)  # fmt: skip
collate, words = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15), list[int]()


def counting(rows: Any) -> Any:
    batch = collate(rows)
    words.append(int((batch["labels"] != -100).sum()))
    return batch


class Clock(TrainerCallback):
    """Reports every ten updates."""

    def __init__(self) -> None:
        self.begun, self.speeds = time.perf_counter(), list[float]()

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step % 10 == 0:
            now = time.perf_counter()
            self.speeds.append(sum(words[state.global_step - 10 : state.global_step]) / (now - self.begun))
            self.begun = time.perf_counter()


clock = Clock()
with tempfile.TemporaryDirectory() as folder:
    settings = TrainingArguments(
        folder, per_device_train_batch_size=told["rows"], max_steps=told["updates"], learning_rate=1e-4, report_to=[], save_strategy="no",
        use_cpu=True, bf16=told["bf16"], disable_tqdm=True, logging_strategy="no", seed=1, dataloader_num_workers=0,
    )  # fmt: skip
    Trainer(BertForMaskedLM(config), settings, train_dataset=blocks, data_collator=counting, callbacks=[clock]).train()
print(json.dumps({"speeds": clock.speeds[1:], "told": sum(words[: told["updates"]]) / told["updates"]}))
