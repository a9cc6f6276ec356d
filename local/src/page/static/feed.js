// The notable events, newest first.

import {h, keyed} from './dom.js';
import {clock, ms, plural, shardName, short} from './format.js';
import {on, store} from './live.js';
import {empty} from './ui.js';

const MOST = 60;

const of = event => [event.function, event.shard && shardName(event.shard)].filter(Boolean).join(', ');

/** An event as [tone, words]; null for what the charts show better. */
export function words(event) {
  switch (event.type) {
    case 'environmentStarted':
      return ['good', `Environment ${event.environment} of ${event.function} started, init ${ms(event.initMs)}`];
    case 'environmentEnded':
      return ['warn', `Environment ${event.environment} of ${event.function} ended`];
    case 'retryScheduled':
      return ['warn', `Retry of ${of(event)} in ${ms(event.waitMs)}, after ${plural(event.failures, 'failure')}`];
    case 'batchDiscarded':
      return [
        'bad',
        `${plural(event.records, 'record')} of ${of(event)} discarded: ${event.condition}${event.error ? `, ${event.error}` : ''}`,
      ];
    case 'batchRedriven':
      return ['good', `${plural(event.records, 'record')} of ${of(event)} redriven: the function has processed the batch`];
    case 'shardOpened':
      return ['info', `${event.mapping} reads ${shardName(event.shard)}`];
    case 'shardClosed':
      return ['info', `${event.mapping} no longer reads ${shardName(event.shard)}`];
    case 'faultsSet':
      return ['warn', faults(event)];
    case 'shardsChanged':
      return ['info', `The shards of ${event.stream ?? 'a stream'} changed`];
    case 'batchInvoked':
      return failed(event, ` with ${plural(event.records, 'record')} of ${shardName(event.shard)}`);
    case 'messagesInvoked':
      return failed(event, ` with ${plural(event.messages, 'message')} of ${event.queue}`);
    case 'invocationEnded':
      return failed(event, '');
    case 'dropped':
      return ['warn', `${plural(event.events, 'more event')}, too many to show`];
    default:
      return null;
  }
}

// How an invocation failed; outcomes are named as `GET /_local/events` names them.
const FAILURES = {
  error: 'failed',
  timeout: 'timed out',
  exit: 'exited',
  init: 'failed to start',
  throttled: 'was throttled',
  tooLarge: 'sent or received too much',
  unavailable: 'did not answer',
};

function failed(event, input) {
  const reason = event.error ? `: ${event.error.message}` : '';
  if (event.outcome === 'partial') return ['warn', `${event.function} answered with a partial batch response${input}${reason}`];
  return ['bad', `${event.function} ${FAILURES[event.outcome] ?? event.outcome}${input}${reason}`];
}

function faults(event) {
  return event.rules?.length ? `Faults of the cache: ${event.rules.join(', ')}` : 'The cache has no fault rules';
}

/** The list. */
export function feed(scope) {
  const list = h('ol.feed');
  const nothing = empty(
    'Nothing notable yet',
    'Cold starts, retries, discarded batches, splits and faults appear here.',
  );
  let number = 0;
  const keys = new WeakMap();
  const key = event => keys.get(event) ?? keys.set(event, (number += 1)).get(event);
  const show = () => {
    const shown = [];
    for (let at = store.events.length - 1; at >= 0 && shown.length < MOST; at -= 1) {
      if (words(store.events[at])) shown.push(store.events[at]);
    }
    nothing.hidden = shown.length > 0;
    keyed(list, shown, key, event => {
      const [tone, what] = words(event);
      // A whole sequence number would hide the words around it.
      return h(
        `li.${tone}`,
        h('time', clock(event.time).slice(0, 8)),
        h(
          'span',
          {title: what},
          what.replace(/\d{40,}/g, number_ => short(number_)),
        ),
      );
    });
  };
  on(scope, 'events', show);
  show();
  return h('div.scroll.tall', {tabindex: 0, role: 'region', 'aria-label': 'What happened'}, nothing, list);
}
