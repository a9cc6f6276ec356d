// Other things that break a pipeline: an environment that dies, a mapping that stops, a split.

import {local, mappingsOf} from './api.js';
import {h, fill} from './dom.js';
import {nameOf, shardName} from './format.js';
import {store} from './live.js';
import {action, panel} from './ui.js';
import {change} from './mappings.js';
import {splitShard} from './reshard.js';

/** The panel. */
export function chaos(scope) {
  const [environment, mapping, shard] = [
    h('select', {'aria-label': 'Execution environment'}),
    h('select', {'aria-label': 'Mapping'}),
    h('select', {'aria-label': 'Shard'}),
  ];
  const shapes = new Map();
  const offer = (element, options, none) => {
    const shape = JSON.stringify(options);
    if (shapes.get(element) === shape || element === document.activeElement) return;
    shapes.set(element, shape);
    const {value} = element;
    fill(
      element,
      options.length
        ? options.map(([key, name]) => h('option', {value: key, selected: key === value}, name))
        : h('option', {value: ''}, none),
    );
    element.disabled = !options.length;
  };
  let all = [];
  const load = async () => {
    const [functions, mappings] = await Promise.all([local('GET', 'functions'), mappingsOf()]);
    if (scope.ended) return;
    all = mappings;
    offer(
      environment,
      functions.flatMap(one =>
        one.environments.map(each => [
          `${one.name}/${each.number}`,
          `${one.name}, environment ${each.number} (${each.state})`,
        ]),
      ),
      'No environment runs',
    );
    offer(
      mapping,
      mappings.map(one => [one.UUID, `${nameOf(one.EventSourceArn)} → ${nameOf(one.FunctionArn)} (${one.State})`]),
      'No mapping',
    );
    offer(
      shard,
      (store.samples.at(-1)?.shards ?? [])
        .filter(one => one.open)
        .map(one => [`${one.stream}/${one.shard}`, `${one.stream}, ${shardName(one.shard)}`]),
      'No open shard',
    );
    toggle.textContent = stopped() ? 'Start the mapping' : 'Stop the mapping';
  };
  const stopped = () => /Disabl/.test(all.find(one => one.UUID === mapping.value)?.State ?? '');
  mapping.addEventListener('change', () => {
    toggle.textContent = stopped() ? 'Start the mapping' : 'Stop the mapping';
  });

  const kill = action('Kill the environment', async () => {
    const at = environment.value.lastIndexOf('/');
    const [name, number] = [environment.value.slice(0, at), environment.value.slice(at + 1)];
    if (!name) throw new Error('No environment runs: an invocation starts one');
    await local('POST', `environments/${encodeURIComponent(name)}/${number}/kill`);
    await load();
    return `Environment ${number} of ${name} is killed`;
  });
  const toggle = action('Stop the mapping', async () => {
    const start = stopped();
    await change(mapping.value, {Enabled: start}, start ? 'mapping started' : 'mapping stopped');
    await load();
    return start ? 'The mapping starts' : 'The mapping stops';
  });
  const split = action('Split the shard', async () => {
    const at = shard.value.lastIndexOf('/');
    return splitShard(shard.value.slice(0, at), shard.value.slice(at + 1));
  });
  scope.every(1000, load);
  const row = (what, why, control, button) =>
    h('div.chaos', h('div', h('b', what), h('p.muted', why)), control, button);
  return panel(
    'Other faults',
    null,
    row('A crash', 'The process ends. Its invocation fails, and the mapping retries.', environment, kill),
    row('A stopped mapping', 'Records wait, and the iterator age grows once it goes on.', mapping, toggle),
    row('A split', 'The parent is read to its end before its children.', shard, split),
  );
}
