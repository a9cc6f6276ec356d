// The fault plan of the cache, and other things that break a pipeline.

import {local} from './api.js';
import {h, fill, text} from './dom.js';
import {count, percent, plural} from './format.js';
import {store} from './live.js';
import {action, empty, panel, said} from './ui.js';
import {KINDS, PRESETS, ruleEditor, words} from './fault-rule.js';
import {chaos} from './chaos.js';

/** The view. */
export function faults(root, scope) {
  let rules = [];
  let seed = 0;
  let edited = false;
  const list = h('div.stack');
  const active = h('div.stack');
  const note = h('span.muted');
  const apply = action('Apply', () => send(rules), {kind: 'primary'});

  const send = async plan => {
    const reply = await local('PUT', 'cache/faults', {seed, rules: plan});
    edited = false;
    took(reply);
    return plan.length ? `The cache has ${plural(plan.length, 'fault rule')}` : 'The cache has no fault rules';
  };
  const took = reply => {
    if (!edited) {
      const now = JSON.stringify(reply.rules.map(one => one.rule));
      if (now !== JSON.stringify(rules) || !list.children.length) {
        rules = JSON.parse(now);
        draw();
      }
      seed = reply.seed;
    }
    fill(
      active,
      reply.rules.length
        ? reply.rules.map(one =>
            h(
              'div.active-rule',
              h('span.what', words(one.rule)),
              h(
                'span.muted',
                `changed ${count(one.hit)} of ${plural(one.seen, 'call')} (${percent(one.hit, one.seen)})`,
              ),
            ),
          )
        : empty(
            'The cache works',
            'Choose a fault at the left. What is injected is marked in the charts of the pipeline.',
          ),
    );
    state();
  };
  const state = () => {
    apply.disabled = !edited;
    text(note, edited ? 'not applied yet' : '');
  };
  const touched = () => {
    edited = true;
    state();
  };
  const draw = () => {
    fill(
      list,
      rules.length
        ? rules.map((rule, nth) =>
            ruleEditor(
              rule,
              next => {
                rules[nth] = next;
                touched();
              },
              () => {
                rules.splice(nth, 1);
                touched();
                draw();
              },
            ),
          )
        : h('p.muted', 'No rules. Take a preset, or add a rule.'),
    );
    state();
  };
  const add = rule => {
    rules = [...rules, structuredClone(rule)];
    touched();
    draw();
  };

  const editor = panel(
    'Faults of the cache',
    [
      note,
      h('button', {type: 'button', onclick: () => add(KINDS[0].rule)}, 'Add a rule'),
      action('Clear', () => {
        rules = [];
        draw();
        return send([]);
      }),
      apply,
    ],
    h(
      'div.presets',
      {role: 'group', 'aria-label': 'Presets'},
      PRESETS.map(([name, preset]) =>
        h(
          'button',
          {
            type: 'button',
            onclick: () => {
              rules = structuredClone(preset);
              touched();
              draw();
            },
          },
          name,
        ),
      ),
    ),
    list,
  );
  fill(
    root,
    h('div.bar.wrap', h('h1', 'Faults')),
    h('div.columns.even', editor, h('div.stack', panel('Active now', null, active), chaos(scope))),
  );

  scope.every(1000, async () => {
    if (store.hello && !store.hello.cache) {
      editor.hidden = true;
      fill(active, empty('No local cache', 'Name one under [cache] in local.toml: its faults are set here.'));
      return;
    }
    try {
      took(await local('GET', 'cache/faults'));
    } catch (error) {
      fill(active, empty('The fault plan cannot be read', said(error)));
    }
  });
  draw();
}
