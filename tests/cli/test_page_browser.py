"""The page in a real browser: what the pickers, the pointer and the keys show is what the arrays hold.

Needs playwright (pip install playwright) and a Chromium on the path (Debian: apt-get install chromium); skips without them.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from regard.view import merge, page

sync = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
QUIET = "disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync"  # no host is looked up
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on the path: apt-get install chromium")

SOURCE = ["▁Der", "▁Ha", "se", "▁läuft", ".", "</s>"]
TARGET = ["▁The", "▁ha", "re", "▁runs", ".", "</s>"]
EVIL = "</script><script>window.bad = 1</script><img src=x onerror='window.bad = 1'>"


@pytest.fixture(scope="module")
def browser():
    with sync.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", *(f"--{word}" for word in QUIET.split())]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def sentences(told):
    best = [told(SOURCE, TARGET, heads=3, layers=2, self_=True, seed=n) for n in range(2)]
    best[1] = replace(best[1], text="The hare is running.", score=-1.5)
    return [
        best,
        [told([*"كتاب", "</s>"], ["k", "i", "t", "\u0303", "</s>"], seed=3)],
        [told([EVIL, "</s>"], [EVIL, "</s>"], seed=4, source=EVIL, text=EVIL, unknown=(EVIL,), features=(EVIL,))],
        [replace(told([], []), text="", attention={})],
    ]


@pytest.fixture
def view(browser, sentences, tmp_path):
    """The page, opened; what it asked for and what went wrong is checked at the end."""
    path = tmp_path / "page.html"
    page.write(sentences, path, title="Sentences")
    opened = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="light")
    asked, wrong = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda said: wrong.append(said.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(path.as_uri())
    opened.wait_for_selector("#map tbody td")
    yield opened
    opened.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []


def table(view) -> np.ndarray:
    return np.array(
        view.evaluate(
            "[...document.querySelectorAll('#map tbody tr')].map(r => [...r.querySelectorAll('td')].map(c => +c.textContent))"
        )
    )


def labels(view, which: str) -> list[str]:
    return view.locator(f"#map {which} th bdi").all_text_contents()


def same(shown: np.ndarray, weights: np.ndarray) -> None:
    np.testing.assert_allclose(shown, weights, atol=0.0006)  # three decimals of whole ten-thousandths


def test_every_layer_and_head_shows_its_array(view, sentences):
    given = sentences[0][0].attention
    assert view.input_value("#layer") == "decoder.1.cross"
    same(table(view), given["decoder.1.cross"].mean(0))
    for name, weights in given.items():
        view.select_option("#layer", name)
        for head in range(3):
            view.check(f"#heads input[value='{head}']")
            same(table(view), weights[head])
            assert view.text_content("#caption") == f"{name} · head {head} of 3"
        view.check("#heads input[value='mean']")
        same(table(view), weights.mean(0))
    assert labels(view, "tbody") == ["▁The", "▁ha", "re", "▁runs", ".", "⏎"]
    view.select_option("#layer", "decoder.0.self")
    assert labels(view, "thead") == ["↦", "▁The", "▁ha", "re", "▁runs", "."]


def test_sentences_and_hypotheses_are_picked(view, sentences):
    view.check("input[name='best'][value='1']")
    same(table(view), sentences[0][1].attention["decoder.1.cross"].mean(0))
    assert "−1.500 · 22.3 %" in view.text_content("#best")
    view.check("input[name='sentence'][value='1']")
    same(table(view), sentences[1][0].attention["decoder.0.cross"][0])
    assert view.text_content("#source") == "كتاب"
    assert view.is_hidden("#head-tool") and view.is_hidden("#layer-tool") and view.is_hidden("#merge-tool")
    view.check("input[name='sentence'][value='3']")
    assert "no attention to show" in view.text_content("#notes") and view.is_hidden("#frame")


def test_the_pointer_shows_tokens_and_value(view, sentences):
    view.hover("#map tbody tr:nth-child(3) td:nth-of-type(2)")
    weight = sentences[0][0].attention["decoder.1.cross"].mean(0)[2, 1]
    assert view.text_content("#tip-down") == "re" and view.text_content("#tip-across") == "Ha"
    assert abs(float(view.text_content("#tip-value")) - weight) < 0.0006 and len(view.text_content("#tip-value")) == 5
    assert view.text_content("#tip-where") == "target 3, source 2"
    colors = [view.evaluate(f"document.querySelectorAll('#map thead bdi')[{j}].style.background") for j in range(6)]
    cells = [view.evaluate(f"document.querySelectorAll('#map tbody tr:nth-child(3) td')[{j}].style.background") for j in range(6)]
    assert colors == cells and all(colors)  # the source tokens take the colours of the row
    view.hover("h1")
    assert view.is_hidden("#tip")


def merged(weights, rows, across):
    """Weights between words from weights (..., target, source) between tokens: rows of a word averaged, columns of a word summed."""
    mean = np.zeros((max(rows) + 1, len(rows)))
    mean[rows, np.arange(len(rows))] = 1
    total = np.zeros((len(across), max(across) + 1))
    total[np.arange(len(across)), across] = 1
    return mean / mean.sum(1, keepdims=True) @ weights @ total


def test_rows_are_averaged_and_columns_summed():
    weights = np.array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.1, 0.2, 0.2], [0.0, 0.0, 0.25, 0.75]]])
    np.testing.assert_allclose(merged(weights, [0, 0, 1], [0, 1, 1, 2]), [[[0.3, 0.4, 0.3], [0.0, 0.25, 0.75]]], atol=1e-6)


def test_words_are_merged_as_in_python(view, sentences):
    view.check("#merge")
    prediction = sentences[0][0]
    rows, columns = merge.words(TARGET), merge.words(SOURCE)
    expected = merged(prediction.attention["decoder.1.cross"], rows, columns).mean(0)
    same(table(view), expected)
    assert labels(view, "tbody") == ["The", "hare", "runs.", "⏎"] and labels(view, "thead") == ["Der", "Hase", "läuft.", "⏎"]
    view.uncheck("#ends")
    same(table(view), expected[:-1, :-1])
    view.uncheck("#merge")
    same(table(view), prediction.attention["decoder.1.cross"].mean(0)[:-1, :-1])
    assert "add up to less than 1" in view.text_content("#notes")


def test_end_marks_can_be_said_and_marks_stand_alone(view):
    assert view.get_attribute("#map thead th:last-child", "aria-label") == "end of sentence"
    view.check("input[name='sentence'][value='1']")
    assert labels(view, "tbody")[3] == "◌\u0303"
    assert view.get_attribute("#map tbody tr:nth-child(4) th", "aria-label") == "combining tilde"


def test_right_to_left_text_keeps_the_table_in_reading_order(view):
    view.check("input[name='sentence'][value='1']")
    assert view.evaluate("getComputedStyle(document.getElementById('source')).direction") == "rtl"
    assert view.evaluate("getComputedStyle(document.getElementById('map')).direction") == "ltr"
    assert labels(view, "thead") == [*"كتاب", "⏎"]
    places = [view.locator("#map thead th").nth(j).bounding_box()["x"] for j in range(5)]
    assert places == sorted(places)
    assert "Tokens stand in reading order" in view.text_content("#notes")


def test_the_keys_walk_over_the_cells(view, sentences):
    weights = sentences[0][0].attention["decoder.1.cross"].mean(0)
    view.focus("#map tbody td[tabindex='0']")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp", "ArrowLeft"):
        view.keyboard.press(key)
    said = view.evaluate("document.activeElement.getAttribute('aria-label')")
    assert said.startswith("The looks at Ha: ") and abs(float(said.rsplit(" ", 1)[1]) - weights[0, 1]) < 0.0006
    assert view.is_visible("#tip")
    view.keyboard.press("End")
    assert "end of sentence" in view.evaluate("document.activeElement.getAttribute('aria-label')")
    assert view.locator("#map td[tabindex='0']").count() == 1


def test_data_is_never_markup(view):
    view.check("input[name='sentence'][value='2']")
    assert view.text_content("#source") == EVIL and labels(view, "thead")[0] == f"<{EVIL}>"
    assert view.evaluate("window.bad") is None and view.locator("img").count() == 0


def test_colours_follow_the_light_and_the_scale(view):
    cell = view.locator("#map tbody td").first
    light = cell.evaluate("cell => cell.style.backgroundColor")
    view.emulate_media(color_scheme="dark")
    sync.expect(cell).not_to_have_css("background-color", light)
    view.emulate_media(color_scheme="dark", media="print")  # paper is light
    sync.expect(cell).to_have_css("background-color", light)
    view.emulate_media(color_scheme="light", media="screen")
    view.check("#stretch")
    top = float(view.text_content("#top"))
    assert abs(top - table(view).max()) < 0.0006 and top < 1


def test_a_link_remembers_what_is_shown(view, browser):
    view.select_option("#layer", "encoder.0.self")
    view.check("#heads input[value='2']")
    view.check("#merge")
    view.uncheck("#ends")
    again = browser.new_page()
    again.goto(view.url)
    again.wait_for_selector("#map tbody td")
    assert (
        again.input_value("#layer") == "encoder.0.self"
        and again.is_checked("#heads input[value='2']")
        and again.is_checked("#merge")
        and not again.is_checked("#ends")
    )
    np.testing.assert_array_equal(table(again), table(view))
    again.goto(view.url.split("#")[0] + "#sentence=99&rank=x&layer=none&head=77")
    again.reload()
    again.wait_for_selector(".notes li")
    assert again.is_checked("input[name='sentence'][value='3']")
    again.close()


def test_each_head_has_its_figures_and_one_on_the_end_mark_is_told_of(browser, told, tmp_path):
    prediction = told(SOURCE, TARGET, heads=2)
    weights = prediction.attention["decoder.0.cross"]
    weights[1] = 0.02 / 5
    weights[1, :, -1] = 0.98
    page.write([[prediction]], tmp_path / "page.html", title="Heads")
    view = browser.new_page()
    view.goto((tmp_path / "page.html").as_uri())
    view.wait_for_selector("#map tbody td")
    shown = view.evaluate(
        "[...document.querySelectorAll('#figures-table tbody tr')].map(r => [...r.cells].map(c => parseFloat(c.textContent)))"
    )
    diagonal = np.abs(np.arange(6)[None, :] - np.arange(6)[:, None])
    for head, row in enumerate(shown):
        logs = np.log(weights[head], where=weights[head] > 0, out=np.zeros_like(weights[head]))
        expected = (
            -(weights[head] * logs).sum(-1).mean(),
            100 * weights[head][:, -1].mean(),
            (weights[head] * diagonal).sum(-1).mean(),
        )
        assert row[0] == head
        for said, right, rounding in zip(row[1:], expected, (0.006, 0.51, 0.06), strict=True):
            assert abs(said - right) < rounding
    assert "Head 1 rests on the end mark alone (98 %" in view.text_content("#notes")
    view.close()
