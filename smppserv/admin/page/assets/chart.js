'use strict';
// Charts are drawn from their tables, which the server wrote, and take the place of its drawings.
(() => {
const lang = document.documentElement.lang;
const zoneOf = () => { const z = document.documentElement.dataset.zone; return z === 'Local' ? undefined : z; };
const colour = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
const plots = new Map();

function read(figure) {
  const columns = [...figure.querySelectorAll('thead th')].slice(1).map(th => ({ name: th.textContent, class: th.dataset.class, unit: th.dataset.unit, right: 'right' in th.dataset, values: [], shown: [] }));
  const at = [];
  for (const tr of figure.querySelectorAll('tbody tr')) {
    at.push(+tr.dataset.t);
    tr.querySelectorAll('td').forEach((td, i) => { const v = +(td.dataset.v ?? td.textContent); columns[i].values.push(columns[i].unit === 'ms' && !v ? null : v); columns[i].shown.push(td.textContent); });
  }
  return { at, columns };
}

// stack sums the columns of bars, so that each is drawn from the ground and the next lower one over it.
function stack(columns) {
  const bars = columns.filter(c => c.class !== 'c5');
  const sums = bars.map((c, i) => c.values.map((_, k) => bars.slice(0, i + 1).reduce((sum, b) => sum + b.values[k], 0)));
  const order = bars.map((_, i) => i).reverse();
  return { columns: [...order.map(i => bars[i]), ...columns.filter(c => c.class === 'c5')],
    values: [...order.map(i => sums[i]), ...columns.filter(c => c.class === 'c5').map(c => c.values)] };
}

const compact = new Intl.NumberFormat(lang, { notation: 'compact', maximumFractionDigits: 1 });
function seconds(n) {
  const day = lang === 'fr' ? ' j' : ' d';
  return n >= 86400 ? compact.format(n / 86400) + day : n >= 3600 ? compact.format(n / 3600) + ' h' : n >= 60 ? compact.format(n / 60) + ' min' : compact.format(n) + ' s';
}
// alone are the points of a line that have no neighbours to be joined with.
const alone = (u, series) => {
  const values = u.data[series];
  return values.map((_, i) => i).filter(i => values[i] != null && values[i - 1] == null && values[i + 1] == null);
};
const whole = [1, 2, 5].flatMap(m => Array.from({ length: 10 }, (_, i) => m * 10 ** i)).sort((a, b) => a - b);
const times = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 86400, 2 * 86400, 7 * 86400, 30 * 86400];
const unitOf = unit => n => unit === 's' ? seconds(n) : unit === 'ms' ? (n >= 1000 ? seconds(n / 1000) : compact.format(n) + ' ms') : compact.format(n);

function draw(figure) {
  const room = figure.querySelector('.plot');
  const { at, columns } = read(figure);
  if (!room || at.length < 2) return;
  const stacked = figure.dataset.kind === 'stack';
  const shape = stacked ? stack(columns) : { columns, values: columns.map(c => c.values) };
  const clock = new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: zoneOf() });
  const day = new Intl.DateTimeFormat(lang, { day: '2-digit', month: '2-digit', timeZone: zoneOf() });
  const axis = { stroke: colour('faint'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false }, font: '12px system-ui, sans-serif', gap: 6 };
  const right = columns.some(c => c.right);
  const series = shape.columns.map(c => ({
    label: c.name, scale: c.right ? 'right' : 'y', stroke: colour(c.class), width: stacked && c.class !== 'c5' ? 0 : 1.75,
    fill: stacked && c.class !== 'c5' ? colour(c.class) : c.class === 'c6' ? colour(c.class) + '22' : undefined,
    paths: stacked && c.class !== 'c5' ? uPlot.paths.bars({ size: [0.72, 40] }) : undefined,
    dash: c.class === 'c5' ? [5, 4] : undefined, points: stacked ? { show: false } : { show: true, size: 5, fill: colour(c.class), filter: alone },
    value: (u, v, s, i) => i == null ? '–' : c.shown[i],
  }));
  const top = (u, min, max) => [0, Math.max(max, 5) * 1.08];
  plots.get(figure.id)?.plot.destroy();
  room.replaceChildren();
  const plot = new uPlot({
    width: room.clientWidth, height: room.clientHeight, padding: [10, right ? 0 : 12, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !stacked } },
    legend: { live: true },
    scales: { x: { time: true }, y: { range: top }, right: { range: top } },
    axes: [
      { ...axis, size: 28, values: (u, ticks) => ticks.map(t => at[at.length - 1] - at[0] > 2 * 86400 ? day.format(t * 1000) : clock.format(t * 1000)), grid: { show: false } },
      { ...axis, size: 52, incrs: columns[0].unit ? undefined : whole, values: (u, ticks) => ticks.map(unitOf(columns[0].unit)) },
      ...(right ? [{ ...axis, scale: 'right', side: 1, size: 56, grid: { show: false }, incrs: times, values: (u, ticks) => ticks.map(unitOf(columns.find(c => c.right).unit)) }] : []),
    ],
    series: [{ label: figure.querySelector('thead th').textContent, value: (u, t) => t == null ? '–' : clock.format(t * 1000) }, ...series],
  }, [at, ...shape.values], room);
  figure.classList.add('drawn');
  plot.root.setAttribute('aria-hidden', 'true'); // its table is read out
  plots.set(figure.id, { plot, room });
}

function all() { for (const figure of document.querySelectorAll('figure.chart')) draw(figure); }
all();
let width = innerWidth;
addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; all(); } });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', all);

setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { 'HX-Target': 'charts' } });
    if (!answer.ok) return;
    const doc = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const now of doc.querySelectorAll('figure.chart')) {
      const old = document.getElementById(now.id), table = old?.querySelector('table');
      if (table) { page.morph(table, now.querySelector('table')); draw(old); }
    }
  } catch { /* the page says by itself that it is not live */ }
}, 60000);
})();
