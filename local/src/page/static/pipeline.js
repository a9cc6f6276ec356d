// The flow from the producer to the table, the time series, the shards, and what happened.

import {h, fill} from './dom.js';
import {percent} from './format.js';
import {on, store} from './live.js';
import {empty, panel, putCommand} from './ui.js';
import {chart} from './charts.js';
import {SERIES} from './series.js';
import {flow} from './flow.js';
import {shards} from './shards.js';
import {feed} from './feed.js';

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
      SERIES.map(one => chart(scope, one)),
    ),
    h('div.columns', shards(scope), panel('What happened', null, feed(scope))),
  );
  const quiet = () => {
    if (store.hello && !store.hello.awsUrl && !hint.firstChild)
      return fill(
        hint,
        empty(
          'The event source mapping alone',
          'What is put, invoked and cached is in other processes, and is not counted here.',
        ),
      );
    const any = store.samples.some(one => one.put || one.processed || one.invocations);
    if (!store.hello || any === hint.any) return;
    hint.any = any;
    if (any) return fill(hint);
    const mapping = store.hello.mappings?.[0];
    const stream = mapping?.source?.split('/').pop() ?? 'STREAM';
    fill(
      hint,
      empty(
        'Nothing flows at the moment',
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
