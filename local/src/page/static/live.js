// What the server sends, kept for the views: the newest samples, events and records.

import {place} from './api.js';

const SAMPLES = 300;
const EVENTS = 1000;
const LOGS = 5000;

/** What is known now. */
export const store = {
  connected: false,
  hello: null,
  samples: [],
  events: [],
  logs: [],
  /** Log lines that were too many to be sent. */
  linesSkipped: 0,
  markers: [],
  dropped: 0,
};

const listeners = new Map();

/** Calls `run` for each message of this kind (`hello`, `sample`, `events`, `records`,
 * `state`, `logs`) until the scope ends. */
export function on(scope, kind, run) {
  if (!listeners.has(kind)) listeners.set(kind, new Set());
  listeners.get(kind).add(run);
  scope.add(() => listeners.get(kind).delete(run));
}

function tell(kind, value) {
  for (const run of listeners.get(kind) ?? []) run(value);
}

function bounded(list, more, most) {
  list.push(...more);
  if (list.length > most) list.splice(0, list.length - most);
}

/** Events that a chart marks, and their words. */
function marker(event) {
  const words = {
    faultsSet: () => (event.rules === 0 || event.rules?.length === 0 ? 'faults cleared' : 'faults set'),
    shardsChanged: () => 'shards changed',
    batchDiscarded: () => 'discarded',
    environmentEnded: () => 'environment ended',
  };
  const label = words[event.type]?.();
  return label ? {time: Date.parse(event.time) / 1000, label, minor: event.type === 'batchDiscarded'} : null;
}

/** Marks this moment in the charts: something that a person did here. */
export function mark(label) {
  addMarkers([{time: Date.now() / 1000, label}]);
}

function addMarkers(found) {
  for (const one of found) {
    // A burst of the same thing is one line.
    if (store.markers.some(other => other.label === one.label && one.time - other.time < 3)) continue;
    bounded(store.markers, [one], 60);
  }
}

function sampled(samples) {
  bounded(store.samples, samples, SAMPLES);
  store.dropped += samples.reduce((sum, one) => sum + (one.dropped ?? 0), 0);
}

function happened(events) {
  for (const event of events) {
    const last = store.events.at(-1);
    if (event.type === 'dropped' && last?.type === 'dropped') last.events += event.events;
    else bounded(store.events, [event], EVENTS);
  }
  addMarkers(events.map(marker).filter(Boolean));
  tell('events', events);
}

function logged({lines, skipped}) {
  bounded(store.logs, lines, LOGS);
  store.linesSkipped += skipped;
  tell('logs', lines);
}

const kinds = {
  hello(hello) {
    store.hello = hello;
    place.region = hello.region ?? place.region;
    // After a restart of klocal the old samples and events are of another run. What is still of
    // use follows.
    store.samples = [];
    store.events = [];
    tell('hello', hello);
  },
  history(samples) {
    sampled(samples);
    tell('sample', samples.at(-1));
  },
  sample(sample) {
    sampled([sample]);
    tell('sample', sample);
  },
  events: happened,
  logs: logged,
  records: message => tell('records', message),
};

// A hidden page gives its connection back: a browser has six for each server, and other tabs
// need them.
const HIDDEN = 60_000;

/** Connects, and again after a loss. */
export function connect() {
  let source = null;
  let leave;
  const state = connected => {
    if (store.connected === connected) return;
    store.connected = connected;
    tell('state', connected);
  };
  const open = () => {
    source = new EventSource('/_local/live');
    const mine = source;
    mine.addEventListener('open', () => state(true));
    mine.addEventListener('error', () => {
      state(false);
      // A refusal ends an EventSource for good.
      if (mine.readyState === EventSource.CLOSED) setTimeout(() => mine === source && open(), 2000);
    });
    for (const [kind, run] of Object.entries(kinds)) {
      mine.addEventListener(kind, message => run(JSON.parse(message.data)));
    }
  };
  document.addEventListener('visibilitychange', () => {
    clearTimeout(leave);
    if (!document.hidden) {
      if (!source) open();
      return;
    }
    leave = setTimeout(() => {
      source?.close();
      source = null;
      state(false);
    }, HIDDEN);
  });
  open();
}
