// The frame: views by the part of the address after #, and the state of the connection.

import {Scope, fill, h, text} from './dom.js';
import {connect, on, store} from './live.js';
import {data} from './data.js';
import {faults} from './faults.js';
import {functions} from './functions.js';
import {journey} from './journey.js';
import {mappings} from './mappings.js';
import {pipeline} from './pipeline.js';
import {records} from './records.js';

const VIEWS = [
  ['pipeline', 'Pipeline', pipeline],
  ['records', 'Records', (root, scope, rest) => (rest.length >= 2 ? journey : records)(root, scope, rest)],
  ['functions', 'Functions', functions],
  ['data', 'Data', data],
  ['mappings', 'Mappings', mappings],
  ['faults', 'Faults', faults],
];

/** Views that need no AWS API. */
const EVERYWHERE = new Set(['#/pipeline', '#/records']);

const root = document.getElementById('view');
let scope = null;
let shown = null;

/** A part of an address, as it is where it is no valid encoding. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, ...rest] = path.split('/').map(decoded);
  const view = VIEWS.find(one => one[0] === name) ?? VIEWS[0];
  scope?.end();
  scope = new Scope();
  fill(root);
  root.className = `view ${view[0]}`;
  document.title = `${view[1]} · klocal`;
  for (const link of document.querySelectorAll('#nav a')) {
    if (link.hash === `#/${view[0]}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  view[2](root, scope, rest, new URLSearchParams(query));
  // A keyboard goes on in the new view, not at the start of the page.
  if (shown !== null && shown !== view[0]) {
    root.focus({preventScroll: true});
    scrollTo(0, 0);
  }
  shown = view[0];
}

function frame() {
  fill(
    document.getElementById('nav'),
    VIEWS.map(([name, title]) => h('a', {href: `#/${name}`}, title)),
  );
  const forever = new Scope();
  const dot = h('span.dot');
  const words = h('span', 'connecting');
  const where = h('span.where');
  fill(document.getElementById('state'), where, h('span.live', dot, words));
  const state = () => {
    dot.classList.toggle('on', store.connected);
    text(words, store.connected ? 'live' : 'not connected');
    document.body.classList.toggle('offline', !store.connected);
  };
  on(forever, 'state', state);
  on(forever, 'hello', hello => {
    // Where another process has the AWS APIs, what needs them is there.
    document.body.classList.toggle('mapping-only', !hello.awsUrl);
    for (const link of document.querySelectorAll('#nav a')) link.hidden = !hello.awsUrl && !EVERYWHERE.has(link.hash);
    text(where, `${location.host} · ${hello.region}`);
    where.title = `klocal ${hello.version}, account ${hello.account}`;
  });
}

frame();
addEventListener('hashchange', route);
route();
connect();
