// What the cache holds, with the time that each entry has left.

import {local} from './api.js';
import {h, fill, keyed, text} from './dom.js';
import {age, bytes, count, percent, plural} from './format.js';
import {mark, store} from './live.js';
import {action, confirmed, empty, panel, said, table} from './ui.js';

const MOST = 500;

/** The cache's panel. */
export function cache(root, scope) {
  const body = h('tbody');
  const rows = table(['Key', 'Cache', ['Size', 'num'], ['TTL left', 'num']], body, 'Cache entries');
  const nothing = h('div');
  const facts = h('span.muted');
  const find = h('input', {type: 'search', placeholder: 'Key', 'aria-label': 'Key', oninput: () => load()});

  const load = async () => {
    if (store.hello && !store.hello.cache) {
      return fill(
        root,
        empty(
          'No local cache',
          'Name one under [cache] in local.toml, give the function its address there, and start klocal up again.',
        ),
      );
    }
    try {
      const [entries, status] = await Promise.all([
        local('GET', `cache/entries?limit=${MOST}`),
        local('GET', 'status'),
      ]);
      if (scope.ended) return;
      const found = entries.filter(one => one.key.includes(find.value));
      keyed(
        body,
        found,
        one => `${one.cache}/${one.key}`,
        one => h('tr', h('td.key', one.key), h('td.muted', one.cache), h('td.num'), h('td.num')),
        (element, one) => {
          text(element.children[2], bytes(one.bytes));
          text(element.children[3], one.ttlMs === null ? '–' : age(one.ttlMs));
        },
      );
      rows.hidden = !found.length;
      fill(
        nothing,
        found.length
          ? null
          : entries.length
            ? empty('No key matches', 'Change the search.')
            : empty('The cache is empty', 'The function fills it on a miss. Entries go when their TTL ends.'),
      );
      const {usage, counts, capacity} = status.cache ?? {};
      fill(
        facts,
        usage &&
          `${plural(usage.items, 'item')} · ${bytes(usage.bytes)} of ${bytes(capacity)} · ${percent(counts.hit, counts.hit + counts.miss)} hits · ${count(usage.expired)} expired · ${count(usage.evicted)} evicted`,
      );
    } catch (error) {
      fill(nothing, empty('The cache cannot be read', said(error)));
    }
  };
  fill(
    root,
    panel(
      'Cache entries',
      [
        facts,
        find,
        action(
          'Flush',
          async () => {
            if (
              !(await confirmed(
                'Flush the cache',
                'All entries are removed. The next gets miss, and the function reads the table.',
                'Flush',
              ))
            )
              return false;
            await local('POST', 'cache/flush');
            mark('cache flushed');
            await load();
            return 'The cache is empty';
          },
          {kind: 'danger'},
        ),
      ],
      nothing,
      rows,
    ),
  );
  scope.every(1000, load);
}
