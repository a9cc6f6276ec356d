// The page of a finished run: `klocal e2e --html FILE`.

import uPlot from './uPlot.esm.js';
import {Scope, h, fill} from './dom.js';
import {clock, count, ms, msTick, nameOf, percent, plural, shardName, short} from './format.js';
import {store} from './live.js';
import {badge, command, dataView, empty, panel, table} from './ui.js';
import {chart} from './charts.js';
import {fromBase64} from './decode.js';
import {SERIES} from './series.js';
import {waterfall} from './waterfall.js';

const run = JSON.parse(document.getElementById('run').textContent);
const {report, setup, recording} = run;
const scope = new Scope();

const fact = (label, value, title) => h('div', h('dt', label), h('dd', {title}, value));

function verdict() {
  const word = report.partial ? 'interrupted' : report.passed ? 'passed' : 'failed';
  const tone = {passed: 'good', failed: 'bad', interrupted: 'warn'}[word];
  const {
    records,
    cache_requests: cache,
    latency_ms: {write_to_read: latency},
  } = report;
  return h(
    'div.stack',
    h('div.bar.wrap', h('h1', `${plural(records.produced, 'record')} into ${setup.stream}`), badge(word, tone)),
    h(
      'dl.facts',
      fact('Processed', count(records.processed)),
      fact('Discarded', count(records.discarded)),
      fact('Lost', count(records.lost)),
      fact('Retries', count(records.retries)),
      fact('Throughput', `${count(report.throughput)}/s`),
      fact('p50', ms(latency.p50)),
      fact('p99', ms(latency.p99)),
      fact('Slowest', ms(latency.max)),
      cache && fact('Cache hits', percent(cache.hit, cache.hit + cache.miss)),
      fact('Table reads', report.store_reads ?? '–'),
      fact('Invocations', count(report.invocations)),
      fact('Cold starts', report.cold_starts ?? '–'),
      report.throttled && fact('Throttled', count(report.throttled.by_records + report.throttled.by_bytes)),
      fact('Took', ms(report.elapsed_ms)),
    ),
  );
}

function conditions() {
  const rows = report.conditions.map(one =>
    h(
      'tr',
      h('td', badge(one.passed ? 'met' : 'not met', one.passed ? 'good' : 'bad')),
      h('td', h('code', one.condition)),
      h('td.num', one.actual ?? 'not counted'),
    ),
  );
  return panel('Conditions', null, table(['', 'Condition', ['In this run', 'num']], h('tbody', rows), 'Conditions'));
}

function firstFailure() {
  const failure = report.first_failure;
  if (!failure) return null;
  return panel('First failure', null, h('pre.code', JSON.stringify(failure, null, 2)));
}

/** Latency by percentile: the axis has as much room for the last hundredth as for the rest. */
function percentiles() {
  const plot = h('div.plot', {role: 'img', 'aria-label': 'Latency by percentile'});
  const nines = share => -Math.log10(Math.max(1 - share, 1e-6));
  const last = nines(1 - 1 / Math.max(2, report.records.processed));
  const points = run.percentiles.map(([share, latency]) => [Math.min(nines(share), last), latency]);
  const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const marks = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999].filter(share => nines(share) <= last);
  let drawn;
  const draw = () => {
    drawn?.destroy();
    const axis = {
      stroke: style('--muted'),
      font: '11px system-ui, sans-serif',
      ticks: {show: false},
      grid: {stroke: style('--grid'), width: 1},
    };
    drawn = new uPlot(
      {
        width: Math.max(120, plot.clientWidth),
        height: 132,
        legend: {show: false},
        padding: [8, 16, 0, 0],
        cursor: {show: false},
        scales: {x: {time: false, range: [0, last]}, y: {range: (_, low, high) => [0, Math.max(high ?? 0, 0.1) * 1.1]}},
        axes: [
          {
            ...axis,
            size: 22,
            splits: () => marks.map(nines),
            values: () => marks.map(share => (share ? `p${Number((100 * share).toFixed(4))}` : '')),
          },
          {...axis, size: 58, space: 28, values: (_, ticks) => ticks.map(one => (one === 0 ? '0' : msTick(one)))},
        ],
        series: [
          {},
          {label: 'latency', stroke: style('--c1'), width: 1.5, fill: style('--c1-fill'), points: {show: false}},
        ],
      },
      [points.map(one => one[0]), points.map(one => one[1])],
      plot,
    );
  };
  new ResizeObserver(draw).observe(plot);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  return h('figure.chart', h('figcaption', h('span.title', 'Latency by percentile, write to processed')), plot);
}

const COLOURS = ['--c1', '--c2', '--c3', '--c4', '--marker', '--info', '--good', '--warn'];

/** The iterator age of each shard; with many shards, of those that were oldest. */
function ages() {
  const oldest = new Map();
  for (const {shards} of store.samples) {
    for (const {stream, shard, iteratorAgeMs} of shards) {
      const key = `${stream} ${shard}`;
      oldest.set(key, Math.max(oldest.get(key) ?? 0, iteratorAgeMs));
    }
  }
  const keys = [...oldest]
    .sort((one, other) => other[1] - one[1])
    .slice(0, COLOURS.length)
    .map(([key]) => key)
    .sort();
  const of = key => sample => sample.shards.find(one => `${one.stream} ${one.shard}` === key)?.iteratorAgeMs;
  const title =
    keys.length < oldest.size
      ? `Iterator age, the ${keys.length} oldest of ${oldest.size} shards`
      : 'Iterator age by shard';
  return {
    title,
    format: ms,
    axis: msTick,
    series: keys.map((key, nth) => ({label: shardName(key.split(' ').at(-1)), colour: COLOURS[nth], value: of(key)})),
  };
}

// Points of a chart: more would be a thicket.
const POINTS = 60;
const COUNTS = [
  'put',
  'processed',
  'filtered',
  'discarded',
  'invocations',
  'errors',
  'retries',
  'hits',
  'misses',
  'cacheErrors',
  'storeReads',
];

/** Samples of which each covers as much time as `size` of them did. Counts are those of a second. */
function condensed(samples, size) {
  const groups = [];
  for (let at = 0; at < samples.length; at += size) groups.push(samples.slice(at, at + size));
  const most = values => Math.max(...values.filter(value => value !== undefined && value !== null));
  return groups.map(group => {
    const latencies = group.map(one => one.latency).filter(Boolean);
    const sums = Object.fromEntries(
      COUNTS.map(key => [
        key,
        (group.reduce((sum, one) => sum + one[key], 0) * 1000) / (recording.sampleMs * group.length),
      ]),
    );
    const shards = group
      .at(-1)
      .shards.map(shard => ({
        ...shard,
        iteratorAgeMs: most(
          group.map(
            one =>
              one.shards.find(other => other.stream === shard.stream && other.shard === shard.shard)?.iteratorAgeMs,
          ),
        ),
      }));
    return {
      ...group.at(-1),
      ...sums,
      shards,
      iteratorAgeMs: most(group.map(one => one.iteratorAgeMs)),
      latency: latencies.length
        ? {
            p50: latencies.map(one => one.p50).sort((one, other) => one - other)[latencies.length >> 1],
            p99: most(latencies.map(one => one.p99)),
          }
        : null,
    };
  });
}

function overTime() {
  store.samples = condensed(recording.samples, Math.ceil(recording.samples.length / POINTS));
  const all = SERIES.filter(one => one.title !== 'Iterator age');
  return h(
    'section.charts',
    {'aria-label': 'Time series'},
    [...all, ages()].map(one => chart(scope, {...one, run: true})),
  );
}

function journey({record, steps}) {
  return h(
    'details.journey',
    h(
      'summary',
      badge(record.status),
      ` ${clock(record.putAt)} · ${shardName(record.shard)} · ${record.partitionKey} · `,
      h('b', ms(record.latencyMs)),
      record.tries > 1 && ` · ${plural(record.tries, 'invocation')}`,
      h('span.muted', ` · ${short(record.sequenceNumber)}`),
    ),
    waterfall(steps, record),
    dataView(fromBase64(record.data)),
  );
}

function journeys() {
  const among =
    recording.kept < report.records.produced ? `of the last ${count(recording.kept)} records` : 'of all records';
  const list = (title, found, none) =>
    panel(title, h('span.muted', among), found.length ? h('div.stack', found.map(journey)) : empty(none));
  return h(
    'div.stack',
    list('Failed records', recording.failed, 'No record was discarded or retried'),
    list('Slowest records', recording.slowest, 'No record was processed'),
  );
}

function settings() {
  const row = (name, value) =>
    h('tr', h('td', name), h('td', h('code', typeof value === 'string' ? value : JSON.stringify(value))));
  const rows = [
    row('Template', setup.template),
    row('Function', nameOf(setup.function)),
    row('Event source mapping', setup.mapping),
    row('Backend', report.backend),
    row('Cache', report.cache),
    report.seed !== null && row('Seed', report.seed),
    ...Object.entries(setup.options).map(([name, value]) => row(name, value)),
  ];
  return panel(
    'Settings',
    null,
    h('div.stack', command(setup.command)),
    table(['Setting', 'Value'], h('tbody', rows), 'Settings'),
  );
}

document.getElementById('state').textContent = `${new Date(run.written).toLocaleString()} · klocal ${run.version}`;
fill(
  document.getElementById('view'),
  verdict(),
  h('div.columns', conditions(), percentiles()),
  firstFailure(),
  recording
    ? [overTime(), journeys()]
    : empty(
        'No series and journeys of this run',
        'They are recorded where everything runs in one process: --backend embedded.',
      ),
  settings(),
);
