// The flow from the producer to the table, the time series, the shards, and what happened.

import {h, fill} from './dom.js';
import {count, ms, msTick, percent} from './format.js';
import {on, store} from './live.js';
import {empty, panel, putCommand} from './ui.js';
import {chart} from './charts.js';
import {flow} from './flow.js';
import {shards} from './shards.js';
import {feed} from './feed.js';

const CHARTS = [
  {
    title: 'Records a second',
    note: 'Records put into the streams, and processed, in each second',
    format: count,
    series: [
      {label: 'put', colour: '--c1', value: one => one.put},
      {label: 'processed', colour: '--c2', value: one => one.processed, filled: true},
    ],
  },
  {
    title: 'Latency, put to processed',
    format: ms,
    axis: msTick,
    series: [
      {label: 'p50', colour: '--c1', value: one => one.latency?.p50},
      {label: 'p99', colour: '--c3', value: one => one.latency?.p99},
    ],
  },
  {
    title: 'Invocations a second',
    format: count,
    series: [
      {label: 'invocations', colour: '--c1', value: one => one.invocations},
      {label: 'errors', colour: '--c4', value: one => one.errors},
      {label: 'retries', colour: '--c3', value: one => one.retries},
    ],
  },
  {
    title: 'Iterator age',
    note: 'How old the last record of the newest batch was when the function returned; the oldest of all shards',
    format: ms,
    axis: msTick,
    series: [{label: 'oldest shard', colour: '--c1', value: one => one.iteratorAgeMs, filled: true}],
  },
  {
    title: 'Cache and store',
    note: 'Cache gets that hit and missed, and reads of the tables, in each second',
    format: count,
    series: [
      {label: 'hits', colour: '--c2', value: one => one.hits},
      {label: 'misses', colour: '--c3', value: one => one.misses},
      {label: 'table reads', colour: '--c1', value: one => one.storeReads},
      {label: 'errors', colour: '--c4', value: one => one.cacheErrors},
    ],
  },
  {
    title: 'Memory',
    note: 'Of klocal itself, without the functions',
    format: value => `${Math.round(value)} MiB`,
    series: [{label: 'memory', colour: '--c1', value: one => one.memoryMiB, filled: true}],
  },
];

/** The view. */
export function pipeline(root, scope) {
  const hint = h('div');
  fill(
    root,
    h('h1.hidden', 'Pipeline'),
    hint,
    flow(scope),
    h(
      'section.charts',
      {'aria-label': 'Time series'},
      CHARTS.map(one => chart(scope, one)),
    ),
    h('div.columns', shards(scope), panel('What happened', null, feed(scope))),
  );
  const quiet = () => {
    const any = store.samples.some(one => one.put || one.processed || one.invocations);
    if (!store.hello || any === hint.any) return;
    hint.any = any;
    if (any) return fill(hint);
    const mapping = store.hello.mappings?.[0];
    const stream = mapping?.source?.split('/').pop() ?? 'STREAM';
    fill(
      hint,
      empty(
        'Nothing flows yet',
        'Put a record, and watch it travel:',
        putCommand(stream),
        h('p', 'or put one in ', h('a', {href: `#/data/streams/${encodeURIComponent(stream)}`}, 'Data'), '.'),
      ),
    );
  };
  on(scope, 'sample', quiet);
  on(scope, 'hello', quiet);
  quiet();
}

/** The share of hits of the last ten seconds. */
export function hitRatio(samples) {
  const last = samples.slice(-10);
  const sum = key => last.reduce((total, one) => total + one[key], 0);
  return percent(sum('hits'), sum('hits') + sum('misses'));
}
