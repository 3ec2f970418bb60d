"""Where a network looked while it read passages and questions, row by row, padding cut off."""

from __future__ import annotations

import numpy as np

from regard.tasks.read.batch import ReadBatch
from regard.tasks.row_looks import PaddedLooks

AXES = {  # what lies along the rows and the columns of a look, by the first part of its name
    "passage": ("passage", "passage"),
    "question": ("question", "question"),
    "aligned": ("passage", "question"),
    "columns": ("question", "passage"),
    "importance": ("importance", "question"),
    "asked": ("question as a whole", "question"),
    "pointer": ("answer", "passage"),
}


def of_read_rows(looks: PaddedLooks, batch: ReadBatch) -> list[dict[str, np.ndarray]]:
    """Rows and columns are places of the passage, of the question, or neither."""
    kept, sizes = [], (text.valid.sum(1).tolist() for text in (batch.passage, batch.question))
    for i, (passage, question) in enumerate(zip(*sizes, strict=True)):
        ends, row = {"passage": passage, "question": question}, {}
        for name, w in looks.items():
            down, across = AXES[name.partition(".")[0]]
            row[name] = w[i, :, : ends.get(down), : ends.get(across)]
        kept.append(row)
    return kept
