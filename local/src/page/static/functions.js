// Functions: execution environments, logs, errors, invocations.

import {lambda, local} from './api.js';
import {h, fill, keyed, text} from './dom.js';
import {age, count, plural} from './format.js';
import {on} from './live.js';
import {action, badge, confirmed, empty, panel, said, table} from './ui.js';
import {invokeForm} from './invoke.js';
import {logs} from './logs.js';

function environmentRow(name, refresh) {
  return environment => {
    const [state, up, memory, invocations] = [h('td'), h('td.num'), h('td'), h('td.num')];
    const kill = action(
      'Kill',
      async () => {
        await local('POST', `environments/${encodeURIComponent(name)}/${environment.number}/kill`);
        refresh();
        return `Environment ${environment.number} killed; the next invocation starts another`;
      },
      {kind: 'quiet', title: 'End its process, as a crash does'},
    );
    const element = h(
      'tr',
      h('td', `Environment ${environment.number}`),
      state,
      up,
      memory,
      invocations,
      h('td.num', kill),
    );
    element.live = {state, up, memory, invocations};
    return element;
  };
}

function memoryBar(used, most) {
  if (used === null || used === undefined) return h('span.muted', '–');
  return [
    h('span.meter', h('span.fill', {css: {width: `${Math.min(100, (100 * used) / most)}%`}})),
    `${count(used)} of ${most} MB`,
  ];
}

/** The view: #/functions or #/functions/NAME. */
export function functions(root, scope, [wanted]) {
  const content = h('div.stack');
  const tabs = h('nav.tabs', {'aria-label': 'Functions'});
  fill(root, h('div.bar.wrap', h('h1', 'Functions'), tabs), content);
  let part = null;

  const load = async () => {
    let all;
    try {
      all = await local('GET', 'functions');
    } catch (error) {
      if (!part) fill(content, empty('The functions cannot be read', said(error)));
      return;
    }
    if (scope.ended) return;
    const name = wanted ?? all[0]?.name;
    fill(
      tabs,
      all.length < 2
        ? []
        : all.map(one =>
            h(
              'a',
              {
                href: `#/functions/${encodeURIComponent(one.name)}`,
                'aria-current': one.name === name ? 'page' : undefined,
              },
              one.name,
            ),
          ),
    );
    const found = all.find(one => one.name === name);
    if (!found)
      return fill(
        content,
        empty(
          wanted ? `There is no function ${wanted}` : 'No functions',
          'Add an AWS::Serverless::Function to template.yaml, and start klocal up again.',
        ),
      );
    if (!part) {
      part = details(scope, found, load);
      fill(content, part.box);
    }
    part.show(found);
  };
  scope.every(1000, load);
  on(scope, 'events', events => {
    if (events.some(one => one.type.startsWith('environment'))) load();
  });
}

function details(scope, {name}, load) {
  const body = h('tbody');
  const rows = table(
    ['Environment', 'State', ['Age', 'num'], 'Memory', ['Invocations', 'num'], ['', 'num']],
    body,
    'Execution environments',
  );
  const none = empty('No execution environment', 'The next invocation starts one: a cold start.');
  const facts = h('span.muted');
  const settings = h('span');
  const restart = action('Restart', async () => {
    if (
      !(await confirmed(
        `Restart ${name}`,
        'Its execution environments end. Invocations under way fail, and the mapping retries their records.',
        'Restart',
      ))
    )
      return false;
    await local('POST', `functions/${encodeURIComponent(name)}/restart`);
    load();
    return 'Restarted';
  });
  lambda('GET', `/2015-03-31/functions/${encodeURIComponent(name)}`)
    .then(({Configuration: found}) => {
      const variables = Object.entries(found.Environment?.Variables ?? {});
      if (variables.length)
        fill(
          settings,
          h(
            'details',
            h('summary', plural(variables.length, 'environment variable')),
            h(
              'dl.pairs',
              variables.map(([key, value]) =>
                h(
                  'div',
                  h('dt', key),
                  h(
                    'dd',
                    /KEY|SECRET|TOKEN|PASSWORD/i.test(key) && !/PARAMETER/i.test(key)
                      ? hidden(value)
                      : value || '(empty)',
                  ),
                ),
              ),
            ),
          ),
        );
    })
    .catch(() => {});
  const box = [
    panel(name, [facts, restart], none, rows, settings),
    h('div.columns.wide', logs(scope, name), panel('Invoke', null, invokeForm(name))),
  ];
  return {
    box,
    show(found) {
      text(
        facts,
        `${found.memoryMb} MB · timeout ${found.timeoutS} s · at most ${plural(found.concurrency, 'environment')}`,
      );
      none.hidden = found.environments.length > 0;
      rows.hidden = !found.environments.length;
      keyed(
        body,
        [...found.environments].sort((a, b) => a.number - b.number),
        one => one.number,
        environmentRow(name, load),
        (element, one) => {
          const {state, up, memory, invocations} = element.live;
          if (state.textContent !== one.state) fill(state, badge(one.state));
          text(up, age(one.ageMs));
          text(invocations, count(one.invocations));
          fill(memory, memoryBar(one.memoryMb, found.memoryMb));
        },
      );
    },
  };
}

/** A value that is shown when asked for. */
function hidden(value) {
  const shown = h('span', '••••••••');
  return h(
    'span.inline',
    shown,
    h(
      'button.quiet',
      {
        type: 'button',
        onclick: event => {
          text(shown, value);
          event.target.remove();
        },
      },
      'Show',
    ),
  );
}
