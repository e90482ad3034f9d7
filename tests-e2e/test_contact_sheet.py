"""`make faults`: each page of the console at each width, light and dark, in each language: pictures
on a sheet that somebody looks at, and what a program can see of them by itself.

`test-output/contact-sheet/` has a sheet (HTML and PNG) for each language and shape.
"""

import html
import shutil
from pathlib import Path

import pytest
from common.texts import LANGUAGES
from console_pages import ALL_SHAPES, VIOLATIONS, named

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(1800),
    pytest.mark.parametrize("hub", ["embedded"], indirect=True),
]

OUTPUT = Path(__file__).parents[1] / "test-output" / "contact-sheet"
#: Of a thumbnail, in CSS pixels; what is longer is cut off on the sheet.
WIDTH, HEIGHT = 380, 560

FIGURE = """<figure><a href="{at}"><img src="{at}" alt=""></a>
<figcaption>{path}</figcaption></figure>
"""
SHEET = f"""<!doctype html><meta charset=utf-8><title>{{title}}</title><style>
body {{{{ display: flex; flex-wrap: wrap; gap: 8px; font: 12px sans-serif }}}}
figure {{{{ margin: 0 }}}}
figure a {{{{ display: block; width: {WIDTH}px; height: {HEIGHT}px; overflow: hidden;
  border: 1px solid gray }}}}
img {{{{ width: 100% }}}}
figcaption {{{{ width: {WIDTH}px; overflow-wrap: anywhere }}}}</style>
<body>{{figures}}"""

#: Text that is cut without a way to read the rest, or that reaches out of its card or the window,
#: tables of records that scroll sideways, interactive elements of which nothing is seen or that
#: lie upon one another. What scrolls is cut to what is seen of it.
FAULTS = """() => {
    const faults = [], seen = (one) => one.checkVisibility({ visibilityProperty: true });
    const name = (one) => `${one.tagName.toLowerCase()}${one.id ? '#' + one.id : ''}` +
        `${one.className ? '.' + String(one.className).replaceAll(' ', '.') : ''}` +
        ` "${(one.innerText ?? one.value ?? '').trim().slice(0, 40)}"`;
    const style = (one) => getComputedStyle(one);
    const isHidden = (one) => {  // for screen readers only
        const box = one.getBoundingClientRect();
        return box.width <= 1 || box.height <= 1 || style(one).clipPath !== 'none';
    };
    document.querySelector('.list td details')?.setAttribute('open', '');
    for (const one of document.querySelectorAll('.list td details[open] *')) {
        const cell = one.closest('td').getBoundingClientRect();
        if (one.getBoundingClientRect().right > cell.right + 1) faults.push(`cut: ${name(one)}`);
    }
    const cuts = (value) => value === 'hidden' || value === 'clip';
    for (const one of document.querySelectorAll('body *')) {
        const hasText = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!hasText || !seen(one) || isHidden(one) || one.closest('svg, .hidden, .skip')) continue;
        const { overflowX, overflowY, textOverflow } = style(one);
        const isSaid = textOverflow === 'ellipsis' && (one.title || one.closest('[title]'));
        if (cuts(overflowX) && one.scrollWidth > one.clientWidth + 1 && !isSaid)
            faults.push(`cut: ${name(one)}`);
        if (cuts(overflowY) && one.scrollHeight > one.clientHeight + 3 && !isSaid)
            faults.push(`cut below: ${name(one)}`);
    }
    for (const one of document.querySelectorAll('.carded'))
        if (one.scrollWidth > one.clientWidth + 1) faults.push(`scrolls sideways: ${name(one)}`);
    for (const one of document.querySelectorAll('.card'))
        if (one.scrollWidth > one.clientWidth + 1) faults.push(`out of its card: ${name(one)}`);
    const boxes = [];
    const operated = 'a[href], button, input, select, textarea, summary';
    for (const one of document.querySelectorAll(operated)) {
        if (!seen(one) || isHidden(one) || one.closest('.skip') || one.type === 'hidden') continue;
        let isThere = false;  // besides what a list has scrolled away
        for (const { left, top, right, bottom } of one.getClientRects()) {
            const box = { one, left, top, right, bottom };
            for (let at = one.parentElement; at; at = at.parentElement) {
                const { overflowX, overflowY } = style(at);
                if (overflowX === 'visible' && overflowY === 'visible') continue;
                const all = at.getBoundingClientRect();
                for (const edge of ['left', 'top']) box[edge] = Math.max(box[edge], all[edge]);
                for (const edge of ['right', 'bottom']) box[edge] = Math.min(box[edge], all[edge]);
            }
            if (box.right - box.left > 2 && box.bottom - box.top > 2) boxes.push(box);
            isThere ||= right - left > 2 && box.bottom - box.top > 2;
        }
        if (isThere && boxes.at(-1)?.one !== one && one.closest('.list td'))
            faults.push(`not seen: ${name(one)}`);
    }
    for (const [at, one] of boxes.entries()) {
        if (one.right > innerWidth + 1) faults.push(`out of the window: ${name(one.one)}`);
        for (const other of boxes.slice(at + 1)) {
            if (one.one.contains(other.one) || other.one.contains(one.one)) continue;
            const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
            const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
            if (wide > 2 && high > 2) faults.push(`${name(one.one)} lies upon ${name(other.one)}`);
        }
    }
    return [...new Set(faults)];
}"""


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_page_is_whole_in_every_shape(something_to_see, walk_as, browser, axe, language):
    walk = walk_as("admin", language)
    folder = OUTPUT / language
    shutil.rmtree(folder, ignore_errors=True)
    sheets: dict[str, dict[str, Path]] = {}
    found: dict[str, list[str]] = {}

    for path in walk.pages():
        for shape in walk.in_each(ALL_SHAPES):
            picture = folder / shape / f"{named(path)}.png"
            walk.page.screenshot(path=picture, full_page=True)
            sheets.setdefault(shape, {})[path] = picture
            faults = [] if walk.fits() else ["wider than the window"]
            faults += walk.page.evaluate(FAULTS)
            if axe.script:
                faults += axe.issues(walk.page, VIOLATIONS)
            if faults:
                found[f"{path} {shape}"] = faults

    for shape, pictures in sheets.items():
        write_sheet(browser, folder / f"{shape}.html", f"{language}, {shape}", pictures)
    print(f"{len(sheets)} sheets in {folder}")
    assert not found, "\n".join(f"{at}: {faults}" for at, faults in found.items())
    axe.or_skip()


def test_what_is_put_there_is_found(walk_as):
    walk = walk_as("admin")
    walk.page.goto("about:blank")  # without the console's Content-Security-Policy
    walk.page.set_content(
        """<p style="width: 4em; overflow: hidden; white-space: nowrap">Cut in the middle of it</p>
        <button>One</button><button style="margin-left: -2em">Other</button>
        <p class="card" style="width: 4em">Unbreakable-for-its-whole-length</p>
        <div class="carded" style="width: 4em; overflow: auto"><table><td>Unbreakable</table></div>
        <div class="list"><table><td style="max-width: 4em; overflow: hidden; white-space: nowrap"
        >Cut in the middle of it <a href="#">Hidden</a></table></div>"""
    )
    found = "\n".join(walk.page.evaluate(FAULTS))
    assert "cut: p" in found
    assert 'button "One" lies upon' in found
    assert "out of its card: p.card" in found
    assert "scrolls sideways: div.carded" in found
    assert 'not seen: a "Hidden"' in found


def write_sheet(browser, sheet: Path, title: str, pictures: dict[str, Path]) -> None:
    """The pictures beside one another, as HTML and as one PNG."""
    figures = "".join(
        FIGURE.format(at=one.relative_to(sheet.parent), path=html.escape(path))
        for path, one in pictures.items()
    )
    sheet.write_text(SHEET.format(title=html.escape(title), figures=figures), "utf-8")
    page = browser.new_page(viewport={"width": 6 * (WIDTH + 12), "height": 900})
    page.goto(sheet.as_uri())
    page.screenshot(path=sheet.with_suffix(".png"), full_page=True, timeout=300_000)
    page.close()
