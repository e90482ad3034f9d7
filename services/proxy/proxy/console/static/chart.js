// The dashboard's chart; the table below it says the same as a whole.

const box = document.getElementById("chart");
const plotBox = box?.querySelector(".plot");
const choice = document.getElementById("measure");
const HEIGHT = 240;
// Solid, dashed and dotted: lines differ by more than their colour.
const DASHES = [[], [8, 4], [2, 3], [12, 4, 2, 4], [4, 4], [1, 5]];
let plot = null;

/** As the page is: English as the browser has it. */
const lang = document.documentElement.lang;
const locale = lang === "en" ? undefined : lang;
const number = (value) => value.toLocaleString(locale, { maximumFractionDigits: 1 });
const moment = (seconds, format) => new Date(seconds * 1000).toLocaleString(locale, format);
const DAY = { day: "numeric", month: "short" };
const CLOCK = { hour: "2-digit", minute: "2-digit" };

/** A colour of the stylesheet as the current scheme has it. */
function colour(name) {
  const probe = document.createElement("span");
  probe.className = `colour-${name}`;
  plotBox.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function axis(extra) {
  const grid = { stroke: colour("line"), width: 1 };
  return { stroke: colour("soft"), grid, ticks: grid, ...extra };
}

function draw() {
  const { times, channels, measures } = JSON.parse(box.dataset.chart);
  const line = (name, at) => ({
    label: name,
    stroke: colour(at),
    dash: DASHES[at],
    width: 2,
    spanGaps: false,
    points: { show: true, size: 5 },
    value: (_, value) => (value === null ? "–" : number(value)),
  });
  plot?.destroy();
  plot = new window.uPlot(
    {
      width: plotBox.clientWidth,
      height: HEIGHT,
      series: [
        { label: box.dataset.from, value: (_, at) => (at === null ? "–" : moment(at, { ...DAY, ...CLOCK })) },
        ...channels.map(line),
      ],
      axes: [
        axis({ values: (_, at, _axis, _space, step) => at.map((one) => moment(one, step < 86_400 ? CLOCK : DAY)) }),
        axis({ size: 64, values: (_, at) => at.map(number) }),
      ],
      scales: { y: { range: (_, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    },
    [times, ...new Map(measures).get(choice.value)],
    plotBox,
  );
}

if (box) {
  box.hidden = false;
  for (const [measure] of JSON.parse(box.dataset.chart).measures) {
    choice.add(new Option(measure));
  }
  choice.addEventListener("change", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  new ResizeObserver(() => {
    if (plot?.width !== plotBox.clientWidth) draw();
  }).observe(plotBox);
}
