"""The report: read in a real browser, by mouse and keys, with names that try to be markup."""

import contextlib
import json
import re
import shutil

import numpy as np
import pytest

from iea40k.errors import BadInputError, IEAError
from iea40k.store.layout import Store
from pipelines.cli.program import run
from pipelines.left_out import small_picture
from pipelines.report.numbers import Numbers
from pipelines.report.pictures import pack, width_for
from pipelines.report.sources import open_source
from pipelines.report.writing import write_report, write_report_of
from tests.builders import built_scene

EVS = (-2.0, -1.0, 0.0, 1.0, 2.0)
NASTY = '</script><script>window.hurt=1</script><img src=x onerror="window.hurt=1">'


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store.create(tmp_path_factory.mktemp("report") / "store")
    for number in range(12):
        frame = np.full((60, 90, 3), 20 * number, np.uint8)
        more = {
            "device": NASTY if number == 3 else "planted",
            "light": ("overcast", "flash")[number % 2],
            "reference_quality": 0.5 + number / 30,
            "reference_words": "2% blown",
            "reference_ends": "both ends shown",
            "uncertainty_ev": {"N2": 0.03},
            "uncertainty_fusion": {"N2": 0.04, "N1": 0.04},
        }
        if number == 1:
            more |= {
                "rejected": [["DSC<b>1</b>.jpg", "0.31", "it moved"]],
                "rejected_pictures": {"DSC<b>1</b>.jpg": small_picture(frame)},
            }
        scene_id = "مشهد" if number == 5 else f"s{number}"
        store.write_scene(built_scene(scene_id, height=96, width=144, evs=EVS, uncertainty=True, **more))
    store.quarantine("broken", IEAError(f"cannot be read {NASTY}"))
    return store


@pytest.fixture(scope="module")
def file(store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    disputes = folder / "disputes.csv"
    disputes.write_text(
        'image_id,score,kind,reason\ns2_P0,0.4,sign,"looks <b>wrong</b>"\ns7_N1,0.9,shift,the edges lie 3 px off\n'
    )
    assert (
        run(["report", str(store.path), "-o", str(folder / "report.html"), "--disputes", str(disputes)]) == 0
    )
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser():
    player = pytest.importorskip(
        "playwright.sync_api", reason="the report's tests drive a browser by playwright"
    )
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no Chromium here")
    with player.sync_playwright() as started:
        found = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser, file):
    said = []
    tab = browser.new_page(viewport={"width": 1366, "height": 768}, bypass_csp=True)
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
    tab.goto(file.as_uri())
    tab.wait_for_selector(".tile[data-drawn]")
    yield tab
    assert said == []
    tab.close()


def test_the_same_store_gives_the_same_page(store, file, tmp_path):
    write_report(store.path, tmp_path / "again.html", disputes=file.parent / "disputes.csv")
    assert (tmp_path / "again.html").read_bytes() == file.read_bytes()


def test_what_needs_attention_comes_first_with_pictures(page):
    place = page.locator("#attention")
    headings = place.locator("h3").all_text_contents()
    assert [h.partition(" (")[0] for h in headings] == [
        "Scenes that could not be built",
        "Frames left out",
        "References, the worst first",
        "Disputed labels",
        "Images to look at first",
    ]
    assert place.locator("td", has_text="DSC<b>1</b>.jpg").count() == 1
    assert page.evaluate("document.querySelector('#attention img').naturalWidth") == 160
    rows = place.locator("section, div.scroll").nth(3).locator("tbody tr")
    assert rows.first.locator("td").all_text_contents() == [
        "0.90",
        "s7_N1",
        "shift",
        "the edges lie 3 px off",
    ]


@pytest.mark.parametrize("width", [1366, 390])
def test_columns_of_words_are_wide_enough_to_be_read(page, width):
    page.set_viewport_size({"width": width, "height": 768})
    lines = "e => e.getClientRects().length && Math.round((e.clientHeight - 8) / 21)"
    for heading in page.locator("#attention th").all():
        words = heading.text_content()
        assert heading.evaluate(lines) <= len(words.split()), words
    broken = page.locator("#attention td", has_text="broken").first
    assert broken.bounding_box()["width"] >= 0.3 * 390


def test_a_printed_page_is_light_and_has_the_images_in_sight_one_beside_the_other(browser, file):
    tab = browser.new_page(viewport={"width": 800, "height": 1000}, color_scheme="dark")
    tab.goto(file.as_uri())
    tab.wait_for_selector(".tile[data-drawn]")
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not tab.locator("#sizer").is_visible()
    boxes = [tile.bounding_box() for tile in tab.locator(".tile").all()]
    assert len(boxes) > 4
    places = {(round(box["x"]), round(box["y"])) for box in boxes}
    assert len(places) == len(boxes)
    below = max(box["y"] + box["height"] for box in boxes)
    assert tab.evaluate("document.documentElement.scrollHeight") <= below + 60
    tab.close()


def test_markup_in_names_stays_text(page):
    assert page.evaluate("window.hurt") is None
    assert page.locator("td", has_text=NASTY).count() == 1
    page.locator("#search").fill("s3_P0")
    page.locator(".tile").first.click()
    assert page.locator("#viewer-facts dd", has_text=NASTY).count() == 1


def test_filters_and_sorting_list_what_they_say(page):
    assert page.locator("#count").text_content() == "60 of 60 images"
    page.locator("#filters").get_by_label("level").select_option(label="N2")
    page.locator("#filters").get_by_label("light").select_option(label="flash")
    assert page.locator("#count").text_content() == "6 of 60 images"
    page.locator("#filters").get_by_label("sort by").select_option(label="scene")
    page.locator("#filters").get_by_label("order").select_option(label="lowest first")
    page.wait_for_function("document.querySelectorAll('.tile').length === 6")
    sort = "sort((a, b) => a.dataset.index - b.dataset.index).map(t => t.children[1].textContent)"
    names = page.evaluate(f"[...document.querySelectorAll('.tile')].{sort}")
    assert names == ["s1_N2", "s11_N2", "s3_N2", "s7_N2", "s9_N2", "مشهد_N2"]


def test_the_read_out_says_the_stored_values(page, store):
    page.locator("#filters").get_by_label("sort by").select_option(label="scene")
    page.locator("#search").fill("s4_P2")
    page.locator(".tile").first.click()
    page.wait_for_selector("#viewer[data-drawn='s4_P2']")
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"])
    page.wait_for_function("document.getElementById('readout').textContent.includes('residual ')")
    said = page.locator("#readout").text_content()
    value = float(re.search(r"residual ([+−][\d.]+)", said)[1].replace("−", "-"))
    codes = store.open_scene("s4").residual("P2")[54:60, 98:104] / 32640
    assert value == pytest.approx(codes.mean(), abs=0.02)
    assert "EV +2.00" in said
    assert re.search(r"zone [IV0]+ \(\d\.\d\), reference [IV0]+ \(\d\.\d\)", said)
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 2)
    page.wait_for_function("document.getElementById('readout').textContent.includes('no valid data')")


def test_the_slider_and_blinking_show_exposure_and_reference(page):
    page.locator("#search").fill("s4_N2")
    page.locator(".tile").first.click()
    page.wait_for_selector("#viewer[data-drawn='s4_N2']")
    pixel = "c.getContext('2d').getImageData(c.width - 9, c.height - 9, 1, 1).data"
    light = f"(c => {pixel}.slice(0, 3).reduce((a, b) => a + b))(document.getElementById('pair'))"
    reference = page.evaluate(light)
    page.locator("#slider").fill("100")
    assert page.evaluate(light) < 0.8 * reference
    page.locator("#slider").fill("0")
    page.wait_for_timeout(100)
    assert page.evaluate(light) == reference
    page.locator("#blink").click()
    page.wait_for_function(f"{light} < 0.8 * {reference}")
    page.wait_for_function(f"{light} === {reference}")
    page.keyboard.press("Escape")


def test_everything_goes_by_keys_and_a_link_opens_its_image(page, browser):
    page.locator(".tile[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.children[1].textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer[open]")
    assert page.locator("#viewer-title").text_content() == second
    page.keyboard.press("ArrowRight")
    third = page.locator("#viewer-title").text_content()
    assert third != second
    address = page.url
    other = browser.new_page()
    other.goto(address)
    other.wait_for_selector("#viewer[open]")
    assert other.locator("#viewer-title").text_content() == third
    other.close()
    page.keyboard.press("Escape")
    assert not page.evaluate("document.getElementById('viewer').open")


def test_the_page_may_fetch_nothing_and_needs_nothing(browser, file):
    said = []
    tab = browser.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(file.as_uri())
    tab.wait_for_selector(".tile[data-drawn]")
    tab.wait_for_selector("#charts svg")
    assert said == []
    with contextlib.suppress(Exception):
        tab.evaluate("fetch('http://localhost:9/').catch(() => {})")
    assert any("Content Security Policy" in text for text in said)
    tab.close()


def test_charts_are_drawn(page):
    captions = page.locator("#charts figcaption").all_text_contents()
    assert any(c.startswith("Residual by level") for c in captions)
    assert any(c.startswith("Mean residual by zone") for c in captions)
    assert any(c.startswith("The ladder") for c in captions)
    assert page.locator("#charts svg").count() >= 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("opened", [False, True])
def test_accessibility_is_clean(browser, file, scheme, opened):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    tab = browser.new_page(viewport={"width": 420, "height": 800}, color_scheme=scheme, bypass_csp=True)
    tab.goto(file.as_uri() + ("#s4_P0" if opened else ""))
    tab.wait_for_selector(".tile[data-drawn]")
    found = axe.Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
    wide = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "a phone has to scroll sideways"
    tab.close()


def test_a_release_says_its_split_and_root(store, tmp_path):
    release = tmp_path / "release"
    assert run(["release", str(store.path), str(release), "--version", "1.2.3"]) == 0
    source = open_source(release)
    assert dict(source.facts)["version"] == "1.2.3"
    assert len(dict(source.facts)["root digest"]) == 64
    scenes = list(source.scenes())
    assert {scene.facts["split"] for scene in scenes} <= {"train", "valid", "test"}
    assert all(scene.facts["split"] for scene in scenes)
    (rejected,) = [frame for scene in scenes for frame in scene.left_out]
    assert rejected.reason == "it moved"


def test_a_damaged_scene_costs_itself(store, tmp_path, browser, capsys):
    release, page = tmp_path / "release", tmp_path / "page.html"
    assert run(["release", str(store.path), str(release), "--version", "1.0.0"]) == 0
    shard = next(file for file in sorted((release / "arrays").rglob("residual/c/**/*")) if file.is_file())
    content = bytearray(shard.read_bytes())
    content[40] ^= 1
    shard.write_bytes(content)
    copied = tmp_path / "store"
    shutil.copytree(store.path, copied)
    (copied / "scenes" / "s4" / "zarr.json").write_text("{")
    for place in (release, copied):
        capsys.readouterr()
        assert run(["report", str(place), "-o", str(page)]) == 1
        said = capsys.readouterr().err
        assert said.count("cannot be read") == 1
        tab = browser.new_page()
        tab.goto(page.as_uri())
        tab.wait_for_selector(".tile[data-drawn]")
        assert tab.locator("#count").text_content() == "55 of 55 images"
        assert tab.locator("#attention h3", has_text="Scenes that cannot be read (1)").count() == 1
        tab.close()


def test_the_parts_of_an_error_budget_are_one_deviation(store):
    (scene, *_rest) = open_source(store.path).scenes()
    assert scene.uncertainty[:2] == pytest.approx((0.05, 0.04))
    assert np.isnan(scene.uncertainty[2:]).all()


def test_many_scenes_get_smaller_pictures(store, tmp_path):
    source = open_source(store.path)
    scenes = list(source.scenes())
    sample = [scene.pixels() for scene in scenes[:3]]
    assert width_for(sample, 10, 10**9) > width_for(sample, 10, 20_000) > 0
    small = write_report_of(source, tmp_path / "small.html", budget=20_000)
    assert small.size < write_report_of(source, tmp_path / "large.html").size - 20_000


def test_numbers_are_those_of_the_arrays(store):
    (scene, *_rest) = open_source(store.path).scenes()
    pixels = scene.pixels()
    numbers = Numbers()
    means, stops = numbers.add(scene, pixels)
    codes = pixels.codes[0][::3, ::3]
    valid = codes != -32768
    assert means[0] == pytest.approx(np.abs(codes[valid] / 32640).mean(), abs=1e-4)
    assert stops[2] == 0
    assert stops[0] < -1 < stops[1] < 0
    facts = numbers.facts()
    assert facts["levels"] == ["N2", "N1", "P0", "P1", "P2"]
    assert all(sum(shares) == pytest.approx(1, abs=1e-3) for shares in facts["shares"])


def test_no_value_of_an_invalid_pixel_is_packed_as_a_residual(store):
    import base64
    import zlib

    (scene, *_rest) = open_source(store.path).scenes()
    pixels = scene.pixels()
    packed = pack(pixels, 144)
    steps = np.frombuffer(zlib.decompress(base64.b64decode(packed.text.split(" ")[1]), -15), np.uint8)
    values = np.cumsum(steps, dtype=np.uint8).view(np.int8).reshape(len(EVS), packed.grid[1], packed.grid[0])
    assert (values[:, 0] == -128).all()
    assert (values[:, 1:] != -128).all()


def test_bad_input_is_named(store, tmp_path, capsys):
    with pytest.raises(BadInputError, match="neither a release nor a store"):
        write_report(tmp_path, tmp_path / "x.html")
    table = tmp_path / "disputes.csv"
    table.write_text("image,score\na,1\n")
    assert run(["report", str(store.path), "-o", str(tmp_path / "x.html"), "--disputes", str(table)]) == 2
    assert "image_id, score, kind, reason" in capsys.readouterr().err
    empty = Store.create(tmp_path / "empty")
    assert write_report(empty.path, tmp_path / "empty.html").size > 1000
    assert (
        json.loads(
            (tmp_path / "empty.html").read_text().partition('id="data">')[2].partition("</script>")[0]
        )["scenes"]
        == []
    )
