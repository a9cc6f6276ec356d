// Steps on one axis of time; a click shows a step's detail.

import {asJson, fromBase64} from './decode.js';
import {h, fill} from './dom.js';
import {ms} from './format.js';
import {badge, highlighted} from './ui.js';
import {readLine} from './logline.js';

const NAMES = {
  put: 'Put',
  readable: 'Readable',
  batch: 'Batch',
  invocation: 'Invocation',
  retry: 'Back-off',
  cache: 'Cache',
  store: 'Store',
  log: 'Log',
  response: 'Response',
  processed: 'Processed',
  filtered: 'Filtered',
  discarded: 'Discarded',
  redriven: 'Redriven',
};

// A redrive, minutes later, would flatten all bars: it stands at the end of the axis.
const LATE = 'redriven';

// Which steps a person has opened stays so while the journey grows.
const opened = new Set();

function flat(steps, depth = 0) {
  return steps.flatMap(step => [{step, depth}, ...flat(step.children ?? [], depth + 1)]);
}

/** The steps, on one axis. */
export function waterfall(steps, record) {
  const rows = flat(steps);
  const timed = rows.filter(({step}) => step.kind !== LATE);
  const end = Math.max(1e-3, ...timed.map(({step}) => step.at + (step.durationMs ?? 0)));
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const axis = h(
    'div.axis',
    {'aria-hidden': 'true'},
    ticks.map(part => h('span', {css: {left: `${part * 100}%`}}, ms(part * end))),
  );
  return h(
    'div.scroll',
    {tabindex: 0, role: 'region', 'aria-label': 'Journey'},
    h(
      'div.waterfall',
      h('div.row.head', h('span.what', 'Step'), axis, h('span.took', 'Took')),
      rows.map(({step, depth}, nth) => row(step, depth, end, `${record.sequenceNumber}/${nth}`)),
    ),
  );
}

function row(step, depth, end, key) {
  const left = Math.max(0, (100 * step.at) / end);
  const width = (100 * (step.durationMs ?? 0)) / end;
  const point = !step.durationMs || step.kind === LATE;
  const bar = h(`span.bar-${step.kind}.mark${point ? '.point' : ''}`, {
    css: {left: `${Math.min(left, 99.6)}%`, width: point ? undefined : `${Math.max(width, 0.4)}%`},
  });
  const details = [
    step.detail,
    step.requestId && `Request id ${step.requestId}`,
    step.environment && `Execution environment ${step.environment}`,
  ].filter(Boolean);
  const line = step.kind === 'log' ? readLine(step.title) : null;
  const long = step.title.length > 60 || Boolean(line?.json);
  const detail = h('div.detail', {hidden: !opened.has(key)});
  if (long) fill(detail, line?.json ? code(JSON.stringify(line.json)) : code(step.title));
  detail.append(...details.map(code));
  const can = details.length > 0 || long;
  const head = h(
    can ? 'button.row' : 'div.row',
    {
      type: can ? 'button' : undefined,
      'aria-expanded': can ? String(!detail.hidden) : undefined,
      onclick: can
        ? () => {
            detail.hidden = !detail.hidden;
            head.setAttribute('aria-expanded', String(!detail.hidden));
            if (detail.hidden) opened.delete(key);
            else opened.add(key);
          }
        : undefined,
    },
    h(
      'span.what',
      {css: {'--depth': depth}},
      h('span.caret', {'aria-hidden': 'true'}, can ? '›' : ''),
      h(`i.bar-${step.kind}`),
      h('b', NAMES[step.kind] ?? step.kind),
      h('span.title', title(step)),
      step.outcome && badge(step.outcome),
      ['warn', 'error'].includes(line?.level) && badge(line.level),
    ),
    h('span.track', bar),
    h('span.took', point ? `at ${ms(step.at)}` : ms(step.durationMs)),
  );
  return [head, detail];
}

/** A log line's message instead of all of it. */
function title(step) {
  // The kind stands before it already: "Batch of 2 records" is "of 2 records".
  const name = NAMES[step.kind] ?? '';
  if (step.kind !== 'log') return step.title.startsWith(name) ? step.title.slice(name.length).trim() : step.title;
  return readLine(step.title).message.split('\n')[0];
}

function code(text) {
  const json = text.startsWith('{') || text.startsWith('[') ? asJson(text) : null;
  return h('pre.code', json === null ? text : highlighted(json));
}

/** What the function logged as `after` for this record: beside a `before` that is its data, or
 * in an invocation with this record alone. */
export function logged(steps, record) {
  const data = parsed(new TextDecoder().decode(fromBase64(record.data)));
  const invocations = steps.filter(step => step.kind === 'invocation').reverse();
  for (const {requestId, children = []} of invocations) {
    const batch = steps.find(step => step.batch && step.requestId === requestId)?.batch;
    for (const step of children.filter(one => one.kind === 'log').reverse()) {
      const {before, after} = fields(step.title);
      if (after === undefined) continue;
      const isOwn =
        before === undefined
          ? batch && batch.start === batch.end
          : JSON.stringify(parsed(before)) === JSON.stringify(data);
      if (isOwn) return h('pre.code', {tabindex: 0}, highlighted(JSON.stringify(parsed(after), null, 2)));
    }
  }
  return null;
}

function fields(line) {
  const {json} = readLine(line);
  return {...json?.fields, ...json};
}

function parsed(value) {
  if (typeof value !== 'string') return value;
  const json = asJson(value);
  return json === null ? value : JSON.parse(json);
}
