// Producer → shards → mapping → environments → cache and table, with live figures.

import {h, fill, text} from './dom.js';
import {count, ms, plural, nameOf, shardName} from './format.js';
import {on, store} from './live.js';
import {hitRatio} from './pipeline.js';

const SECONDS = 5;

/** The mean of the last seconds: a figure that changes each second must still be readable. */
function rate(key) {
  const last = store.samples.slice(-SECONDS);
  return last.length ? last.reduce((sum, one) => sum + (one[key] ?? 0), 0) / last.length : 0;
}

function latest(key) {
  return store.samples.findLast(one => one[key])?.[key] ?? null;
}

/** The last minute of a figure as a line. */
function spark(path, area, key) {
  const values = store.samples.slice(-60).map(one => one[key] ?? 0);
  const most = Math.max(1, ...values);
  const points = values.map(
    (value, nth) => `${60 - values.length + nth + 0.5} ${(29 - (27 * value) / most).toFixed(1)}`,
  );
  path.setAttribute('d', points.length > 1 ? `M${points.join('L')}` : '');
  area.setAttribute('d', points.length > 1 ? `M${60 - values.length + 0.5} 30L${points.join('L')}L59.5 30Z` : '');
}

function stage(title, href, key) {
  const name = h('p.name', ' ');
  const big = h('p.big', h('span.value', '–'), h('span.unit'));
  const facts = h('dl');
  const [line, area] = [h('path'), h('path.area')];
  const box = h(
    'a.stage',
    {href},
    h('h2', title),
    name,
    big,
    key && h('svg.spark', {viewBox: '0 0 60 30', preserveAspectRatio: 'none', 'aria-hidden': 'true'}, area, line),
    facts,
  );
  return {
    box,
    show(subject, value, unit, list) {
      text(name, subject);
      name.title = subject;
      text(big.firstChild, value);
      text(big.lastChild, unit);
      if (key) spark(line, area, key);
      if (facts.children.length !== list.length)
        fill(
          facts,
          list.map(() => h('div', h('dt'), h('dd'))),
        );
      list.forEach(([label, fact, tone], nth) => {
        const row = facts.children[nth];
        text(row.firstChild, label);
        text(row.lastChild, fact);
        row.className = tone ?? '';
      });
    },
  };
}

function arrow() {
  const label = h('span.rate', ' ');
  const box = h('div.arrow', {'aria-hidden': 'true'}, label, h('span.line', h('span.dashes')));
  return {
    box,
    show(value) {
      text(label, value > 0 ? `${count(value < 10 ? Math.round(value * 10) / 10 : Math.round(value))}/s` : ' ');
      box.classList.toggle('flows', value > 0);
    },
  };
}

function oldest(shards) {
  if (!shards.length) return '–';
  return shardName(shards.reduce((one, other) => (other.iteratorAgeMs > one.iteratorAgeMs ? other : one)).shard);
}

/** The row of stages. */
export function flow(scope) {
  const stages = {
    producer: stage('Producers', '#/records', 'put'),
    stream: stage('Stream', '#/data/streams', 'iteratorAgeMs'),
    mapping: stage('Mapping', '#/mappings', 'processed'),
    environments: stage('Environments', '#/functions', 'invocations'),
    cache: stage('Cache', '#/data/cache'),
    table: stage('Table', '#/data/tables'),
  };
  const [put, read, invoked, got] = [arrow(), arrow(), arrow(), arrow()];
  const box = h(
    'section.flow',
    {'aria-label': 'The flow of records'},
    stages.producer.box,
    put.box,
    stages.stream.box,
    read.box,
    stages.mapping.box,
    invoked.box,
    stages.environments.box,
    got.box,
    h('div.pair', stages.cache.box, stages.table.box),
  );

  let started = {put: 0, processed: 0, discarded: 0};
  const show = () => {
    const sample = store.samples.at(-1);
    const {hello} = store;
    const mappings = hello?.mappings ?? [];
    const several = (names, noun) =>
      names.length === 1 ? names[0] : names.length ? plural(names.length, noun) : `no ${noun}`;
    const streams = [...new Set((sample?.shards ?? []).map(one => one.stream))];
    const open = (sample?.shards ?? []).filter(one => one.open);
    const sum = key => store.samples.reduce((total, one) => total + (one[key] ?? 0), 0);
    started = {
      put: sum('put'),
      processed: sum('processed'),
      discarded: sum('discarded'),
      filtered: sum('filtered'),
    };
    const gets = rate('hits') + rate('misses');
    stages.producer.show('PutRecord, PutRecords', count(rate('put')), 'records/s', [
      ['in 5 minutes', count(started.put)],
      ['processed', count(started.processed)],
      ['filtered', count(started.filtered)],
    ]);
    stages.stream.show(
      several(streams.length ? streams : mappings.map(one => nameOf(one.source)), 'stream'),
      count(open.length),
      open.length === 1 ? 'open shard' : 'open shards',
      [
        ['iterator age', ms(sample?.iteratorAgeMs), sample?.iteratorAgeMs > 5000 ? 'warn' : ''],
        ['oldest', oldest(open)],
        ['closed shards', count((sample?.shards ?? []).length - open.length)],
      ],
    );
    stages.mapping.show(
      several(
        mappings.map(one => one.name),
        'mapping',
      ),
      count(rate('processed')),
      'processed/s',
      [
        ['in flight', count(sample?.inFlight)],
        ['retries/s', count(rate('retries')), rate('retries') ? 'warn' : ''],
        ['discarded', count(started.discarded), started.discarded ? 'bad' : ''],
      ],
    );
    const invoke = latest('invoke');
    stages.environments.show(
      several(hello?.functions ?? [], 'function'),
      count(sample?.environments),
      sample?.environments === 1 ? 'environment' : 'environments',
      [
        ['p50', ms(invoke?.p50)],
        ['p99', ms(invoke?.p99)],
        ['errors/s', count(rate('errors')), rate('errors') ? 'bad' : ''],
      ],
    );
    stages.cache.show(hello?.cache ? `Momento ${hello.cache.kind}` : 'no cache', hitRatio(store.samples), 'hits', [
      ['gets/s', count(gets)],
      ['errors/s', count(rate('cacheErrors')), rate('cacheErrors') ? 'bad' : ''],
    ]);
    stages.table.show('DynamoDB', count(rate('storeReads')), 'reads/s', []);
    put.show(rate('put'));
    read.show(rate('processed'));
    invoked.show(rate('invocations'));
    got.show(gets);
  };
  on(scope, 'sample', show);
  on(scope, 'hello', show);
  show();
  return box;
}
