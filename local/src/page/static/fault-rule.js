// One rule of the fault plan: its words, and its controls.

import {h, fill, text} from './dom.js';
import {field, select} from './ui.js';

const CODES = [
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'INTERNAL',
  'UNKNOWN',
  'CANCELLED',
  'PERMISSION_DENIED',
  'INVALID_ARGUMENT',
];
const CALLS = ['Get', 'Set', 'Delete', 'Auth'];

/** Kinds of fault: what the select shows, a first rule, and [member, label, most] of its sliders. */
export const KINDS = [
  {kind: 'latency', name: 'Latency', rule: {fault: {kind: 'latency', ms: 20}}, sliders: [['ms', 'Delay', 2000]]},
  {
    kind: 'latency_uniform',
    name: 'Latency, even spread',
    rule: {fault: {kind: 'latency_uniform', min_ms: 5, max_ms: 80}},
    sliders: [
      ['min_ms', 'Shortest', 1000],
      ['max_ms', 'Longest', 2000],
    ],
  },
  {
    kind: 'latency_lognormal',
    name: 'Latency, long tail',
    rule: {fault: {kind: 'latency_lognormal', p50_ms: 2, p99_ms: 50}},
    sliders: [
      ['p50_ms', 'p50', 500],
      ['p99_ms', 'p99', 2000],
    ],
  },
  {kind: 'error', name: 'Error', rule: {fault: {kind: 'error', code: 'UNAVAILABLE'}}, sliders: []},
  {
    kind: 'rate_limit',
    name: 'Rate limit',
    rule: {fault: {kind: 'rate_limit', per_second: 100}},
    sliders: [['per_second', 'Calls a second', 1000]],
  },
  {kind: 'auth_failure', name: 'API key refused', rule: {fault: {kind: 'auth_failure'}}, sliders: []},
  {kind: 'cache_missing', name: 'Cache missing', rule: {fault: {kind: 'cache_missing'}}, sliders: []},
  {kind: 'black_hole', name: 'Black hole', rule: {fault: {kind: 'black_hole'}}, sliders: []},
  {kind: 'drop_connection', name: 'Dropped connection', rule: {fault: {kind: 'drop_connection'}}, sliders: []},
];

export const PRESETS = [
  ['Slow', [{fault: {kind: 'latency_lognormal', p50_ms: 20, p99_ms: 400}}]],
  ['Flaky: 10 % errors', [{fault: {kind: 'error', code: 'UNAVAILABLE'}, probability: 0.1}]],
  ['Down', [{fault: {kind: 'error', code: 'UNAVAILABLE'}}]],
  ['Silent: gets get no answer', [{fault: {kind: 'black_hole'}, calls: ['Get']}]],
  ['Throttled', [{fault: {kind: 'rate_limit', per_second: 20}}]],
];

/** A rule in words. */
export function words({fault, calls, probability, count}) {
  const kind = KINDS.find(one => one.kind === fault.kind);
  const what =
    {
      latency: () => `${fault.ms} ms later`,
      latency_uniform: () => `${fault.min_ms} to ${fault.max_ms} ms later`,
      latency_lognormal: () => `p50 ${fault.p50_ms} ms, p99 ${fault.p99_ms} ms later`,
      error: () => `Error ${fault.code}`,
      rate_limit: () => `At most ${fault.per_second} calls a second`,
    }[fault.kind]?.() ??
    kind?.name ??
    fault.kind;
  return [
    what,
    calls?.length ? `for ${calls.join(', ')}` : 'for every call',
    probability !== undefined && probability < 1 ? `with probability ${Math.round(probability * 1000) / 10} %` : '',
    count ? `${count} times` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

/** Sliders of times are fine near 0 and coarse far from it. */
function slider(label, value, most, changed, unit = 'ms', least = 0) {
  const toValue = position => Math.max(least, Math.round(most * (position / 100) ** 2 * 10) / 10);
  const toPosition = one => 100 * Math.sqrt(Math.min(1, one / most));
  const number = h('input.small', {type: 'number', min: least, value, 'aria-label': label, step: 'any'});
  const range = h('input', {
    type: 'range',
    min: 0,
    max: 100,
    step: 0.5,
    value: toPosition(value),
    'aria-label': `${label}, slider`,
  });
  range.addEventListener('input', () => {
    number.value = toValue(Number(range.value));
    changed(Number(number.value));
  });
  number.addEventListener('input', () => {
    range.value = toPosition(Number(number.value));
    changed(Number(number.value));
  });
  return h('div.slider', h('span.label', label), range, number, h('span.muted', unit));
}

/** The controls of a rule; `changed` gets the whole new rule. */
export function ruleEditor(rule, changed, remove) {
  const box = h('fieldset.rule');
  const set = next => {
    rule = next;
    changed(rule);
    text(summary, words(rule));
  };
  const summary = h('legend', words(rule));
  const draw = () => {
    const kind = KINDS.find(one => one.kind === rule.fault.kind) ?? KINDS[0];
    fill(
      box,
      summary,
      h(
        'div.bar',
        select(
          KINDS.map(one => [one.kind, one.name]),
          kind.kind,
          value => {
            const {fault} = KINDS.find(one => one.kind === value).rule;
            set({...rule, fault: {...fault}});
            draw();
          },
          {'aria-label': 'Kind of fault'},
        ),
        rule.fault.kind === 'error' &&
          select(
            [...new Set([rule.fault.code, ...CODES])],
            rule.fault.code,
            code => set({...rule, fault: {...rule.fault, code}}),
            {'aria-label': 'Status'},
          ),
        h('span.spacer'),
        h('button.quiet', {type: 'button', onclick: remove, 'aria-label': 'Remove the rule'}, 'Remove'),
      ),
      kind.sliders.map(([member, label, most]) =>
        slider(
          label,
          rule.fault[member],
          most,
          value => set({...rule, fault: {...rule.fault, [member]: value}}),
          member === 'per_second' ? '/s' : 'ms',
          member.startsWith('p') && member !== 'per_second' ? 0.1 : 0,
        ),
      ),
      slider(
        'Probability',
        Math.round((rule.probability ?? 1) * 1000) / 10,
        100,
        value => {
          const next = {...rule, probability: Math.min(1, value / 100)};
          if (next.probability >= 1) delete next.probability;
          set(next);
        },
        '%',
      ),
      h(
        'div.bar.wrap',
        h('span.label', 'Calls'),
        CALLS.map(call =>
          h(
            'label.check',
            h('input', {
              type: 'checkbox',
              checked: rule.calls?.includes(call),
              onchange: event => {
                const calls = new Set(rule.calls ?? []);
                if (event.target.checked) calls.add(call);
                else calls.delete(call);
                const next = {...rule, calls: [...calls]};
                if (!calls.size) delete next.calls;
                set(next);
              },
            }),
            call,
          ),
        ),
        h('span.muted', 'none: every call'),
        h('span.spacer'),
        field(
          'Times',
          h('input.small', {
            type: 'number',
            min: 1,
            placeholder: 'no end',
            value: rule.count ?? '',
            oninput: event => {
              const next = {...rule, count: Number(event.target.value)};
              if (!next.count) delete next.count;
              set(next);
            },
          }),
        ),
      ),
    );
  };
  draw();
  return box;
}
