"""How long a model as one web page takes to answer, by the page's own clock, in Chromium: its first answer, and later ones.

    pip install playwright
    regard export RUN --format page --out model.html
    python benchmarks/page.py model.html TEXT [TEXT2 ...] [--starts 9] [--browser /usr/bin/chromium]

Each start is a browser of its own, which answers the page's example first and then the texts.  Prints medians, and all first answers.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from playwright.sync_api import sync_playwright

ANSWERED = "/^\\d+ ms$/.test(document.getElementById('state').textContent)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    asked = parser.parse_args()
    first, later = list[int](), list[int]()
    with sync_playwright() as browsers:
        for _ in range(asked.starts):
            browser = browsers.chromium.launch(executable_path=asked.browser, args=["--no-sandbox"])
            page = browser.new_context(bypass_csp=True).new_page()  # so that the page can be asked from outside
            page.goto(asked.page.resolve().as_uri())
            page.wait_for_function(ANSWERED, timeout=60_000)
            first.append(int(page.inner_text("#state").split()[0]))
            for text in asked.texts:
                page.fill("#text", text)
                page.wait_for_timeout(400)  # longer than any answer takes
                later.append(int(page.inner_text("#state").split()[0]))
            browser.close()
    print(f"first {statistics.median(first)} ms of {sorted(first)}, later {statistics.median(later)} ms")


if __name__ == "__main__":
    main()
