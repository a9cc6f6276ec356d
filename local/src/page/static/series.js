// The time series of a pipeline, of samples whose counts are those of a second.

import {count, ms, msTick} from './format.js';

/** The charts; those that are `elsewhere` are of functions, cache and tables. */
export const SERIES = [
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
    elsewhere: true,
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
    elsewhere: true,
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
