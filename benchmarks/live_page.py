"""The live page in Chromium: how long answers take by the page's own clock, and how smoothly a picture of 500 tokens is pointed at.

    python benchmarks/live_page.py RUN [--text "21st of November, 2026"] [--later 20]

Needs playwright and a Chromium on the path.  A first answer is that of a page just opened, on a server that has answered before; later
ones erase or pin a cell each, up to three at a time, so that each is asked anew.  A time runs from what a person did to the frame that
shows the answer.  CPU: of the server's process, a request.  Frames: 120 moves of the pointer over 500 x 500 cells of eight heads.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from playwright.sync_api import sync_playwright

from regard.tasks.base import TaskPrediction
from regard.view import page

COMMAND = [sys.executable, "-c", "from regard.cli.main import main; main()", "view"]
TOKENS, HEADS, MOVES = 500, 8, 120
SOME = 3  # cells that are touched at a time at most
POINT = f"""async () => {{
  const canvas = document.querySelector("#plot canvas"), times = [], work = [];
  document.getElementById("plot").scrollIntoView();
  const box = canvas.getBoundingClientRect();
  let last = await new Promise(requestAnimationFrame);
  for (let k = 0; k < {MOVES}; k++) {{
    const x = box.left + 120 + (k * 7) % 600, y = box.top + 100 + (k * 5) % 400;
    canvas.dispatchEvent(new PointerEvent("pointermove", {{ clientX: x, clientY: y, bubbles: true }}));
    const begun = performance.now();
    point([k * 4 % {TOKENS}, k * 3 % {TOKENS}]);
    work.push(performance.now() - begun);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }}
  return [times, work];
}}"""


def answer_ms(view: Any) -> float:
    """What the page says of its last answer."""
    view.wait_for_selector("body[data-asked]:not(.stale)")
    view.wait_for_timeout(300)
    return float(view.get_attribute("body", "data-ms"))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_answers(browser: Any, run: Path, text: str, later: int) -> None:
    served = subprocess.Popen([*COMMAND, str(run), "--live", "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert served.stderr
        address = re.match(r"(\S+/view)", served.stderr.readline())
        assert address
        first = []
        for _ in range(5):
            view = browser.new_page()
            view.goto(f"{address[1]}#text={quote(text)}")
            first.append(answer_ms(view))
        rows, columns = (view.evaluate(f"drawn.{side}.length") for side in ("down", "across"))
        before, times = cpu_seconds(served.pid), []
        for k in range(later):
            cell = f"#map tbody tr:nth-child({k % rows + 1}) td:nth-of-type({(3 * k + k // rows) % columns + 1})"
            view.click(cell, modifiers=["Shift"] if k % 2 else [])
            times.append(answer_ms(view))
            if k % SOME == SOME - 1:
                view.click("#reset")
                answer_ms(view)  # of what is remembered
        cpu = (cpu_seconds(served.pid) - before) / later
    finally:
        served.terminate()
        served.wait()
    tell("first answers, ms", first)
    tell("later answers, ms", times)
    print(f"CPU of the server, ms a later answer: {1000 * cpu:.0f}")


def measure_pointing(browser: Any) -> None:
    weights = np.random.default_rng(0).random((HEADS, TOKENS, TOKENS), dtype=np.float32) ** 30
    tokens = (*(f"▁word{i % 97}" for i in range(TOKENS - 1)), "</s>")
    looks = {"decoder.0.cross": weights / weights.sum(-1, keepdims=True)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        page.write([[TaskPrediction(" ".join(tokens), -1.0, tokens, tokens, looks, " ".join(tokens))]], path, title="500 tokens")
        view = browser.new_page(viewport={"width": 1280, "height": 1000})
        view.goto(path.as_uri())
        view.wait_for_selector("#plot canvas")
        frames, work = view.evaluate(POINT)
    tell("frames while pointing at 500 x 500 cells, ms", frames)
    tell("of them work of the page, ms", work)


def tell(what: str, times: list[float]) -> None:
    print(f"{what}: median {statistics.median(times):.1f}, least {min(times):.1f}, most {max(times):.1f}, of {len(times)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--text", default="21st of November, 2026")
    parser.add_argument("--later", type=int, default=20)
    asked = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        measure_answers(browser, asked.run, asked.text, asked.later)
        measure_pointing(browser)
        browser.close()


if __name__ == "__main__":
    main()
