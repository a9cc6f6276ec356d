// Event source mappings: options, shards, discarded batches.

import {lambda, local, mappingsOf} from './api.js';
import {h, fill, keyed, text} from './dom.js';
import {count, ms, nameOf, shardName, short} from './format.js';
import {mark} from './live.js';
import {action, badge, empty, panel, said, table} from './ui.js';
import {OPTIONS} from './options.js';
import {discarded} from './discarded.js';

const path = uuid => `/2015-03-31/event-source-mappings/${uuid}`;

/** Changes a mapping through Lambda's API, and marks it in the charts. */
export async function change(uuid, members, words) {
  await lambda('PUT', path(uuid), members);
  mark(words);
}

/** The view. */
export function mappings(root, scope) {
  const content = h('div.stack');
  const lost = discarded(scope);
  fill(root, h('div.bar.wrap', h('h1', 'Mappings')), content, lost);
  const parts = new Map();
  const load = async () => {
    let all;
    let status;
    try {
      [all, status] = await Promise.all([mappingsOf(), local('GET', 'status')]);
    } catch (error) {
      if (!parts.size) fill(content, empty('The mappings cannot be read', said(error)));
      return;
    }
    if (scope.ended) return;
    if (!all.length)
      return fill(
        content,
        empty(
          'No event source mapping',
          'Add an event of type Kinesis or SQS to the function in template.yaml, or an AWS::Lambda::EventSourceMapping.',
        ),
      );
    keyed(
      content,
      all,
      one => one.UUID,
      one => {
        const part = mappingPanel(one, load);
        parts.set(one.UUID, part);
        return part.box;
      },
      (_, one) => parts.get(one.UUID).show(one, statusOf(status, one)),
    );
  };
  scope.every(1000, load);
}

/** The mapping's own state, by source and function: the status has no UUID. */
function statusOf(status, mapping) {
  const all = [...(status.mappings ?? []), ...(status.queueMappings ?? [])];
  return all.find(
    one =>
      (one.streamArn ?? one.queueArn) === mapping.EventSourceArn &&
      nameOf(one.function) === nameOf(mapping.FunctionArn),
  );
}

function mappingPanel(first, load) {
  const uuid = first.UUID;
  const title = `${nameOf(first.EventSourceArn)} → ${nameOf(first.FunctionArn)}`;
  const [state, result] = [h('span'), h('span.muted')];
  const shards = h('tbody');
  const shardTable = table(
    [
      'Shard',
      'Checkpoint',
      ['Processed', 'num'],
      ['Filtered', 'num'],
      ['Discarded', 'num'],
      ['Retries', 'num'],
      ['Pending', 'num'],
      ['In flight', 'num'],
      ['Iterator age', 'num'],
      ['Back-off', 'num'],
      'Last error',
    ],
    shards,
    'Shards of the mapping',
  );
  const options = h('tbody');
  let now = first;
  const enabled = () => !/Disabl/.test(now.State);
  const toggle = action('Disable', async () => {
    const on = enabled();
    await change(uuid, {Enabled: !on}, on ? 'mapping disabled' : 'mapping enabled');
    await load();
    return on ? 'The mapping finishes what is under way, and stops' : 'The mapping goes on at its checkpoints';
  });
  const rows = new Map();
  for (const [name, rule, edit] of OPTIONS) {
    // A queue's mapping has other options than a stream's.
    if (first[name] === undefined && name !== 'FilterCriteria') continue;
    const row = option(uuid, name, rule, edit, load);
    rows.set(name, row);
    options.append(row.element);
  }
  const queue = h('dl.facts.flat', {hidden: true});
  const box = panel(
    title,
    [result, state, toggle],
    shardTable,
    queue,
    h(
      'details.options',
      {open: true},
      h('summary', 'Options'),
      table(['Option', 'Value', 'AWS’s rule'], options, 'Options'),
    ),
  );
  return {
    box,
    show(mapping, status) {
      now = mapping;
      if (state.textContent !== mapping.State) fill(state, badge(mapping.State));
      text(result, mapping.LastProcessingResult ?? '');
      text(toggle, enabled() ? 'Disable' : 'Enable');
      toggle.disabled = /ing$/.test(mapping.State);
      for (const [name, row] of rows) row.show(mapping[name]);
      queue.hidden = !status?.queueArn;
      if (status?.queueArn) fill(queue, queueFacts(status));
      const all = Object.entries(status?.shards ?? {});
      shardTable.hidden = !all.length;
      keyed(
        shards,
        all,
        one => one[0],
        shardRow,
        (element, one) => element.show(one[1]),
      );
    },
  };
}

function queueFacts(status) {
  const one = (label, value, tone) => h(`div${tone ? `.${tone}` : ''}`, h('dt', label), h('dd', value));
  return [
    one('Received', count(status.received)),
    one('Processed and deleted', count(status.deleted)),
    one('Filtered', count(status.filtered)),
    one('Returned to the queue', count(status.returned), status.returned ? 'warn' : ''),
    one('In flight', count(status.inFlight)),
    one('Waiting', count(status.waiting)),
    one('Visible', count(status.visible)),
    one('Not visible', count(status.notVisible)),
    one('Back-off', status.backOffMs ? ms(status.backOffMs) : '–'),
    status.lastError && one('Last error', status.lastError),
  ];
}

function shardRow([id]) {
  const cells = Array.from({length: 10}, (_, nth) => h(nth > 0 && nth < 9 ? 'td.num' : 'td.muted'));
  const element = h('tr', h('td', {title: id}, shardName(id)), cells);
  element.show = one => {
    const values = [
      one.checkpoint === null ? 'none yet' : short(one.checkpoint),
      count(one.records),
      count(one.filtered),
      count(one.givenUp),
      count(one.retries),
      count(one.pending),
      count(one.inFlight),
      ms(one.iteratorAgeMs),
      one.backOffMs ? ms(one.backOffMs) : '–',
      one.waitingFor ? `waits for ${one.waitingFor.replace(/arn:\S+:([^:,\s]+)/, '$1')}` : (one.lastError ?? ''),
    ];
    values.forEach((value, nth) => text(cells[nth], value));
    cells[0].title = one.checkpoint ?? '';
    cells[9].title = one.lastErrorDetail ?? one.lastError ?? '';
    cells[3].classList.toggle('bad', one.givenUp > 0);
    cells[8].classList.toggle('warn', one.backOffMs > 0);
  };
  return element;
}

function option(uuid, name, rule, edit, load) {
  const value = h('td');
  const element = h('tr', h('td', h('code', name)), value, h('td.rule', rule));
  let shown = null;
  return {
    element,
    show(now) {
      const next = JSON.stringify(now);
      // A person who is typing keeps the field.
      if (next === shown || value.contains(document.activeElement)) return;
      shown = next;
      if (edit === 'number') {
        const input = h('input.small', {type: 'number', value: now ?? 0, 'aria-label': name});
        const save = action(
          'Save',
          async () => {
            await change(uuid, {[name]: Number(input.value)}, `${name} ${input.value}`);
            save.hidden = true;
            input.blur();
            await load();
            return `${name} is ${input.value}`;
          },
          {kind: 'primary'},
        );
        save.hidden = true;
        input.addEventListener('input', () => {
          save.hidden = input.value === String(now);
        });
        input.addEventListener('keydown', event => {
          if (event.key === 'Enter') save.click();
        });
        fill(value, h('span.inline', input, save));
      } else if (edit === 'boolean') {
        fill(
          value,
          h('input', {
            type: 'checkbox',
            checked: Boolean(now),
            'aria-label': name,
            onchange: async event => {
              const wanted = event.target.checked;
              await change(uuid, {[name]: wanted}, `${name} ${wanted}`).catch(() => {
                event.target.checked = !wanted;
              });
              load();
            },
          }),
        );
      } else {
        fill(value, describe(now));
      }
    },
  };
}

function describe(value) {
  if (value === undefined || value === null || (Array.isArray(value) && !value.length))
    return h('span.muted', 'none');
  if (Array.isArray(value)) return value.join(', ');
  if (value.Filters) return value.Filters.map(one => h('div', h('code', one.Pattern)));
  if (typeof value === 'object')
    return value.OnFailure
      ? nameOf(value.OnFailure.Destination) || h('span.muted', 'none')
      : h('code', JSON.stringify(value));
  return String(value);
}
