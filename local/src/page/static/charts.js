// Time series on uPlot: of the last five minutes, or of a whole run.

import uPlot from './uPlot.esm.js';
import {h, text} from './dom.js';
import {on, store} from './live.js';

const SPAN = 300;
const HEIGHT = 132;
/** Pixels of the values beside a chart. */
const AXIS = 58;
const cursor = uPlot.sync('charts');

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Draws what happened: faults and splits as dashed lines with words, discarded batches as
 * short lines at the top. */
function markers(chart) {
  const {ctx, bbox} = chart;
  const {min, max} = chart.scales.x;
  const pixel = devicePixelRatio;
  ctx.save();
  ctx.lineWidth = pixel;
  ctx.font = `${10 * pixel}px system-ui, sans-serif`;
  // The axes leave their own.
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  // Labels have two rows; where both are taken, the line alone is drawn.
  const taken = [-Infinity, -Infinity];
  for (const {time, label, minor} of store.markers) {
    if (time < min || time > max) continue;
    const x = Math.round(chart.valToPos(time, 'x', true));
    ctx.strokeStyle = colour(minor ? '--c4' : '--marker');
    ctx.setLineDash(minor ? [] : [3 * pixel, 3 * pixel]);
    ctx.lineWidth = (minor ? 2 : 1) * pixel;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + (minor ? 6 * pixel : bbox.height));
    ctx.stroke();
    const width = ctx.measureText(label).width;
    const fits = x + width + 4 * pixel < bbox.left + bbox.width;
    const left = fits ? x + 4 * pixel : x - width - 4 * pixel;
    const row = taken.findIndex(end => left >= end);
    if (minor || row < 0) continue;
    ctx.fillStyle = colour('--marker');
    ctx.fillText(label, left, bbox.top + (17 + 12 * row) * pixel);
    taken[row] = left + width + 6 * pixel;
  }
  ctx.restore();
}

const wholeSeconds = (chart, ticks) =>
  ticks.map(at => {
    // The label would be cut at the edge.
    if (chart.valToPos(at, 'x') > chart.width - AXIS - 22) return '';
    const date = new Date(at * 1000);
    return (
      `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}` +
      (date.getSeconds() ? `:${String(date.getSeconds()).padStart(2, '0')}` : '')
    );
  });

const sinceStart = (chart, ticks) => ticks.map(at => `${Number(at.toFixed(2))} s`);

/** A chart in a box with a title and a legend of the present values. A series is
 * {label, colour: a custom property, value: sample => number or null}. With `run`, the chart
 * has all samples, and its time counts from the first one. */
export function chart(scope, {title, series, format, axis: onAxis = format, note, elsewhere, run = false}) {
  const values = series.map(() => h('b', '–'));
  const legend = h(
    'div.legend',
    series.map((one, nth) => h('span', h('i', {css: {background: `var(${one.colour})`}}), one.label, ' ', values[nth])),
  );
  const plot = h('div.plot', {
    role: 'img',
    'aria-label': `${title}, ${run ? 'the whole run' : 'the last five minutes'}`,
  });
  const box = h(
    elsewhere ? 'figure.chart.elsewhere' : 'figure.chart',
    h('figcaption', h('span.title', {title: note}, title), legend),
    plot,
  );

  // A run's time counts from its beginning.
  const start = run ? (store.samples[0]?.time ?? 0) : 0;
  const data = () => {
    const {samples} = store;
    return [
      samples.map(one => (one.time - start) / 1000),
      ...series.map(one => samples.map(sample => one.value(sample) ?? null)),
    ];
  };
  const show = at =>
    series.forEach((one, nth) => {
      const sample = store.samples[at];
      const value = sample && one.value(sample);
      text(values[nth], value === undefined || value === null ? '–' : format(value));
    });

  let drawn = null;
  const draw = () => {
    drawn?.destroy();
    const axis = {
      stroke: colour('--muted'),
      font: '11px system-ui, sans-serif',
      ticks: {show: false},
      grid: {stroke: colour('--grid'), width: 1},
    };
    drawn = new uPlot(
      {
        width: Math.max(120, plot.clientWidth),
        height: HEIGHT,
        legend: {show: false},
        padding: [8, 8, 0, 0],
        cursor: {sync: {key: cursor.key}, y: false, points: {size: 5}, drag: {x: false, y: false}},
        scales: {
          x: {
            time: !run,
            range: () => {
              const end = (store.samples.at(-1)?.time ?? Date.now()) / 1000;
              // The first minutes fill the chart too.
              const first = (store.samples[0]?.time ?? 0) / 1000;
              if (run) return [0, Math.max(end - first, 0.1)];
              return [Math.max(end - SPAN, Math.min(first, end - 60)), end];
            },
          },
          y: {range: (_, low, high) => [0, Math.max(high ?? 0, 1) * 1.15]},
        },
        axes: [
          {...axis, grid: {show: false}, size: 22, space: 62, values: run ? sinceStart : wholeSeconds},
          {...axis, size: AXIS, space: 28, values: (_, ticks) => ticks.map(one => (one === 0 ? '0' : onAxis(one)))},
        ],
        series: [
          {},
          ...series.map(one => ({
            label: one.label,
            stroke: colour(one.colour),
            width: 1.5,
            points: {show: false},
            fill: one.filled ? colour(`${one.colour}-fill`) : undefined,
            spanGaps: run,
          })),
        ],
        hooks: {
          draw: run ? [] : [markers],
          setCursor: [plotted => show(plotted.cursor.idx ?? store.samples.length - 1)],
        },
      },
      data(),
      plot,
    );
  };

  const width = new ResizeObserver(() => {
    if (!drawn) draw();
    else if (plot.clientWidth) drawn.setSize({width: plot.clientWidth, height: HEIGHT});
  });
  width.observe(plot);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', draw);
  on(scope, 'sample', () => {
    if (!drawn || document.hidden) return;
    drawn.setData(data());
    if (drawn.cursor.idx === null || drawn.cursor.left < 0) show(store.samples.length - 1);
  });
  scope.add(() => {
    width.disconnect();
    scheme.removeEventListener('change', draw);
    drawn?.destroy();
  });
  show(store.samples.length - 1);
  return box;
}
