// The live list of records.

import {local} from './api.js';
import {h, fill, keyed, text} from './dom.js';
import {bytes, clock, count, ms, plural, shardName} from './format.js';
import {on, store} from './live.js';
import {badge, empty, putCommand, said, select, table} from './ui.js';

const MOST = 250;
const STATUSES = ['', 'waiting', 'invoked', 'retrying', 'processed', 'filtered', 'discarded'];

const id = record => `${record.stream}/${record.sequenceNumber}`;

/** The address of a record's journey. */
export function address(stream, sequenceNumber) {
  return `#/records/${encodeURIComponent(stream)}/${sequenceNumber}`;
}

const severalStreams = () => new Set((store.samples.at(-1)?.shards ?? []).map(one => one.stream)).size > 1;

function row(record) {
  const [state, tries, latency] = [h('td'), h('td.num'), h('td.num')];
  const element = h(
    'tr.link',
    {
      onclick: event => {
        if (!event.target.closest('a') && !String(getSelection()))
          location.hash = address(record.stream, record.sequenceNumber);
      },
    },
    h(
      'td',
      h(
        'a.time',
        {href: address(record.stream, record.sequenceNumber), title: `Sequence number ${record.sequenceNumber}`},
        clock(record.putAt),
      ),
    ),
    state,
    h(
      'td.muted',
      {title: `${record.stream}, ${record.shard}`},
      severalStreams() ? `${record.stream}, ${shardName(record.shard)}` : shardName(record.shard),
    ),
    h('td.key', record.partitionKey),
    tries,
    latency,
    h('td.num.muted', bytes(record.bytes)),
    h('td.preview', record.preview),
  );
  element.live = {state, tries, latency};
  return element;
}

function update(element, record) {
  const {state, tries, latency} = element.live;
  if (state.textContent !== record.status) fill(state, badge(record.status));
  text(tries, record.tries || '–');
  text(latency, ms(record.latencyMs));
}

/** The view. */
export function records(root, scope, rest, query = new URLSearchParams()) {
  const filter = Object.fromEntries(
    ['stream', 'shard', 'key', 'status', 'text'].map(key => [key, query.get(key) ?? '']),
  );
  let list = [];
  let paused = false;
  let waiting = 0;
  // Rows do not move away under a pointer or the keyboard's focus.
  let pointed = false;
  let heldBack = [];
  let request = 0;

  const body = h('tbody');
  const nothing = h('div');
  const note = h('span.muted');
  const rows = table(
    ['Put at', 'Status', 'Shard', 'Partition key', ['Tries', 'num'], ['Latency', 'num'], ['Size', 'num'], 'Data'],
    body,
    'Records',
  );
  rows.classList.add('grow');

  const matches = record =>
    (!filter.stream || record.stream === filter.stream) &&
    (!filter.shard || record.shard === filter.shard) &&
    (!filter.status || record.status === filter.status) &&
    (!filter.key || record.partitionKey === filter.key) &&
    // A long record's text is known to the server only.
    (!filter.text || record.preview.toLowerCase().includes(filter.text.toLowerCase()));

  const show = () => {
    keyed(body, list, id, row, update);
    rows.hidden = !list.length;
    const filtered = Object.values(filter).some(Boolean);
    fill(
      nothing,
      list.length
        ? null
        : filtered
          ? empty('No record matches', 'Change the filter, or wait: new records that match appear here.')
          : empty('No records yet', 'Put one from a terminal:', putCommand(streams()[0] ?? 'STREAM')),
    );
    text(
      note,
      paused && waiting
        ? `${plural(waiting, 'change')} since the pause`
        : heldBack.length
          ? `${count(heldBack.length)} new, held back while you are in the list`
          : list.length
            ? `newest ${count(list.length)}`
            : '',
    );
  };

  const ask = async before => {
    const mine = (request += 1);
    const wanted = new URLSearchParams({
      ...Object.fromEntries(Object.entries(filter).filter(one => one[1])),
      limit: MOST,
      ...(before ? {before} : {}),
    });
    try {
      const reply = await local('GET', `records?${wanted}`);
      if (mine !== request || scope.ended) return;
      list = before ? [...list, ...reply.records] : reply.records;
      show();
      older.hidden = reply.records.length < MOST;
    } catch (error) {
      fill(nothing, empty('The records cannot be read', said(error)));
    }
  };

  const older = h(
    'button',
    {
      type: 'button',
      hidden: true,
      onclick: () => {
        pause(true);
        ask(list.at(-1)?.sequenceNumber);
      },
    },
    'Older records',
  );
  const changed = (key, value) => {
    filter[key] = value;
    address_();
    ask();
  };
  const address_ = () => {
    const set = new URLSearchParams(Object.entries(filter).filter(one => one[1]));
    history.replaceState(null, '', `#/records${set.size ? `?${set}` : ''}`);
  };
  let typing;
  const search = (key, label) =>
    h('input', {
      type: 'search',
      placeholder: label,
      'aria-label': label,
      value: filter[key],
      oninput: event => {
        clearTimeout(typing);
        typing = setTimeout(() => changed(key, event.target.value), 200);
      },
    });
  scope.add(() => clearTimeout(typing));

  const streams = () =>
    [
      ...new Set([
        ...(store.samples.at(-1)?.shards ?? []).map(one => one.stream),
        ...(store.hello?.mappings ?? []).map(one => one.source?.split('/').pop()),
      ]),
    ].filter(Boolean);
  const shardIds = () => [
    ...new Set(
      (store.samples.at(-1)?.shards ?? [])
        .filter(one => !filter.stream || one.stream === filter.stream)
        .map(one => one.shard),
    ),
  ];
  const selects = h('span.inline');
  const options = () => {
    const shape = [streams(), shardIds()].join('|');
    if (selects.shape === shape) return;
    selects.shape = shape;
    fill(
      selects,
      select(
        [['', 'All streams'], ...streams().map(one => [one, one])],
        filter.stream,
        value => changed('stream', value),
        {'aria-label': 'Stream'},
      ),
      select(
        [['', 'All shards'], ...shardIds().map(one => [one, shardName(one)])],
        filter.shard,
        value => changed('shard', value),
        {'aria-label': 'Shard'},
      ),
    );
  };

  const toggle = h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => pause(!paused)}, 'Pause');
  const pause = on_ => {
    if (paused === on_) return;
    paused = on_;
    waiting = 0;
    text(toggle, paused ? 'Resume' : 'Pause');
    toggle.setAttribute('aria-pressed', String(paused));
    if (!paused) ask();
    else show();
  };

  fill(
    root,
    h(
      'div.bar.wrap',
      h('h1', 'Records'),
      selects,
      select(
        STATUSES.map(one => [one, one || 'Any status']),
        filter.status,
        value => changed('status', value),
        {'aria-label': 'Status'},
      ),
      search('key', 'Partition key'),
      search('text', 'Text in the data'),
      h('span.spacer'),
      note,
      toggle,
    ),
    nothing,
    rows,
    older,
  );

  on(scope, 'sample', options);
  on(scope, 'records', message => {
    if (paused) {
      waiting += message.records.length + (message.skipped ?? 0);
      return show();
    }
    const known = new Map(list.map(one => [id(one), one]));
    if (isHeld()) {
      list = list.map(one => message.records.find(record => id(record) === id(one)) ?? one);
      heldBack = [...heldBack, ...message.records.filter(one => !known.has(id(one)) && matches(one))].slice(-MOST);
      return show();
    }
    for (const record of [...heldBack.splice(0), ...message.records]) {
      if (known.has(id(record)) || matches(record)) known.set(id(record), record);
    }
    list = [...known.values()]
      .filter(matches)
      .sort((a, b) => b.putAt - a.putAt)
      .slice(0, MOST);
    show();
  });
  const isHeld = () => pointed || body.contains(document.activeElement);
  body.addEventListener('pointerenter', event => {
    pointed = event.pointerType === 'mouse';
  });
  body.addEventListener('pointerleave', () => {
    pointed = false;
  });
  // Where records were skipped, the list is asked for again now and then.
  scope.every(15_000, () => (paused || isHeld() ? null : ask()));
  options();
}
