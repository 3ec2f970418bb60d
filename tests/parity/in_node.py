"""The page's modules, run by node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from regard.export import page

NODE = shutil.which("node")
SCRIPTS = Path(page.__file__).parent / page.FOLDER
needs_node = pytest.mark.skipif(NODE is None, reason="needs node on the path: apt-get install nodejs")
TEXTS = (
    "", " ", "a", "abandonat", "The cat sat.", "  two  spaces\tand a tab ", "中文字，没有空格", "ひらがなカタカナー", "café",
    "cafe\u0301", "ⁿdaˈpʰat͡ʃeː", "k\u0361p\u0303 ˥˩ a⁵⁵", "السلام عليكم", "שָׁלוֹם", "x² + y₃ = 10½", "a</s>b <unk> <s>", "नमस्ते",
    "한국어 \u1112\u1161\u11ab", "👩\u200d👩\u200d👧!", "\u3000全角　", "a\u0085b\u00a0c\u2028d", "\ufeffbom", "日本 Tokyo", "<unk>",
    "İstanbul ΣΑΣ", "?!...", "1,391", "e\u0301\u0323x", "〇、。",
)  # fmt: skip


def in_node(task: str, **asked: Any) -> Any:
    """What the page's modules answer."""
    assert NODE is not None
    script = Path(__file__).with_name("page_scripts.mjs")
    asking = json.dumps({"task": task, **asked})
    ran = subprocess.run([NODE, str(script), str(SCRIPTS)], input=asking, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout)
