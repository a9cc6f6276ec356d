// The shards with their figures, and their lineage through splits and merges.

import {h, fill, keyed, text} from './dom.js';
import {count, ms, shardName} from './format.js';
import {on, store} from './live.js';
import {badge, empty, panel, table} from './ui.js';

const [WIDTH, HEIGHT, GAP, LINK] = [92, 26, 8, 44];
const MOST_DRAWN = 64;

/** The generation of each shard, 0 without a parent that is still listed. */
function generations(shards) {
  const byId = new Map(shards.map(one => [one.shard, one]));
  const known = new Map();
  const of = (id, depth = 0) => {
    const shard = byId.get(id);
    if (!shard || depth > 64) return -1;
    if (!known.has(id))
      known.set(
        id,
        1 + Math.max(of(shard.parent, depth + 1), shard.adjacentParent ? of(shard.adjacentParent, depth + 1) : -1),
      );
    return known.get(id);
  };
  shards.forEach(one => of(one.shard));
  return known;
}

/** One stream's shards as a graph from left to right. */
function lineage(shards) {
  const generation = generations(shards);
  const place = new Map();
  const columns = [];
  for (const shard of shards) (columns[generation.get(shard.shard)] ??= []).push(shard);
  for (const [x, column] of columns.entries()) {
    // Children stand near their parents.
    const of = one => place.get(one.parent)?.y ?? 0;
    if (x) column.sort((a, b) => of(a) - of(b));
    let next = 0;
    for (const one of column) {
      const y = Math.max(next, x ? of(one) : 0);
      place.set(one.shard, {x: x * (WIDTH + LINK), y});
      next = y + HEIGHT + GAP;
    }
  }
  const width = columns.length * (WIDTH + LINK) - LINK + 2;
  const height = Math.max(...[...place.values()].map(one => one.y)) + HEIGHT + 2;
  const links = shards.flatMap(one =>
    [one.parent, one.adjacentParent].filter(Boolean).map(parent => {
      const [from, to] = [place.get(parent), place.get(one.shard)];
      if (!from) return null;
      const [x, y, x2, y2] = [from.x + WIDTH + 1, from.y + HEIGHT / 2 + 1, to.x + 1, to.y + HEIGHT / 2 + 1];
      return h('path.link', {d: `M${x} ${y}C${x + LINK / 2} ${y} ${x2 - LINK / 2} ${y2} ${x2} ${y2}`});
    }),
  );
  const boxes = shards.map(one => {
    const {x, y} = place.get(one.shard);
    return h(
      `g.${one.open ? 'open' : 'closed'}`,
      h('rect', {x: x + 1, y: y + 1, width: WIDTH, height: HEIGHT, rx: 5}),
      h('text', {x: x + WIDTH / 2 + 1, y: y + HEIGHT / 2 + 5, 'text-anchor': 'middle'}, shardName(one.shard)),
    );
  });
  return h(
    'div.scroll',
    {tabindex: 0, role: 'region', 'aria-label': 'Lineage of the shards'},
    h(
      'svg.lineage',
      {
        width,
        height,
        viewBox: `0 0 ${width} ${height}`,
        role: 'img',
        'aria-label': 'Parents at the left, children at the right',
      },
      links,
      boxes,
    ),
  );
}

function row(shard) {
  const [put, processed, iteratorAge] = [h('td.num'), h('td.num'), h('td.num')];
  const state = h('td');
  const element = h(
    'tr',
    h(
      'td',
      h(
        'a',
        {
          href: `#/records?stream=${encodeURIComponent(shard.stream)}&shard=${encodeURIComponent(shard.shard)}`,
          title: shard.shard,
        },
        shardName(shard.shard),
      ),
    ),
    h('td.muted', shard.stream),
    state,
    put,
    processed,
    iteratorAge,
    h(
      'td.muted',
      shard.parent
        ? [
            shardName(shard.parent),
            shard.adjacentParent ? ` + ${shardName(shard.adjacentParent).replace('shard ', '')}` : '',
          ].join('')
        : '',
    ),
  );
  element.cells7 = {put, processed, iteratorAge, state};
  return element;
}

function update(element, shard) {
  const {put, processed, iteratorAge, state} = element.cells7;
  text(put, count(shard.put));
  text(processed, count(shard.processed));
  text(iteratorAge, ms(shard.iteratorAgeMs));
  const word = shard.open ? 'open' : 'closed';
  if (state.textContent !== word) fill(state, badge(word));
}

/** The panel of the shards. */
export function shards(scope) {
  const body = h('tbody');
  const graphs = h('div.lineages');
  const nothing = h('div');
  const list = table(
    ['Shard', 'Stream', 'State', ['put/s', 'num'], ['processed/s', 'num'], ['iterator age', 'num'], 'From'],
    body,
    'Shards',
  );
  let drawn = '';
  const show = () => {
    const all = store.samples.at(-1)?.shards ?? [];
    list.hidden = !all.length;
    fill(
      nothing,
      all.length ? null : empty('No shards', 'A stream in template.yaml gets its shards when klocal starts.'),
    );
    const open = [...all].sort((a, b) => Number(b.open) - Number(a.open) || (a.shard < b.shard ? -1 : 1));
    keyed(body, open.slice(0, 200), one => `${one.stream}/${one.shard}`, row, update);
    const streams = Map.groupBy ? Map.groupBy(all, one => one.stream) : new Map();
    const shape = all.map(one => `${one.stream}/${one.shard}/${one.open}/${one.parent}`).join();
    if (shape === drawn) return;
    drawn = shape;
    fill(
      graphs,
      [...streams]
        .filter(([, some]) => some.some(one => one.parent) && some.length <= MOST_DRAWN)
        .map(([stream, some]) => [h('h3', `Lineage of ${stream}`), lineage(some)]),
    );
  };
  on(scope, 'sample', show);
  show();
  return panel('Shards', h('a.elsewhere', {href: '#/data/streams'}, 'Split, merge, reshard'), nothing, list, graphs);
}
