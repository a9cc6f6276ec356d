// The form that invokes a function.

import {invoke} from './api.js';
import {asJson, asText, fromBase64} from './decode.js';
import {h, fill} from './dom.js';
import {ms} from './format.js';
import {action, badge, dialog, field, highlighted, select} from './ui.js';
import {TEMPLATES} from './templates.js';

// The event that a person wrote stays while this page is open.
const written = new Map();

/** The form for a function. */
export function invokeForm(name, event) {
  const area = h('textarea.code', {rows: 14, spellcheck: 'false', 'aria-label': 'Event'});
  area.value = event
    ? JSON.stringify(event, null, 2)
    : (written.get(name) ?? JSON.stringify(TEMPLATES[0][1](), null, 2));
  area.addEventListener('input', () => written.set(name, area.value));
  const result = h('div.result', {'aria-live': 'polite'});
  const run = action(
    'Invoke',
    async () => {
      if (asJson(area.value) === null) throw new Error('The event is not JSON');
      fill(result, h('p.muted', 'Running…'));
      fill(result, reply(await invoke(name, area.value)));
    },
    {kind: 'primary'},
  );
  const template = select(
    [['', 'Event template'], ...TEMPLATES.map(([title]) => [title, title])],
    '',
    title => {
      const found = TEMPLATES.find(one => one[0] === title);
      if (found) area.value = JSON.stringify(found[1](), null, 2);
      written.set(name, area.value);
    },
    {'aria-label': 'Event template'},
  );
  return h('div.stack.invoke', h('div.bar', template, h('span.spacer'), run), field('Event', area), result);
}

function reply(found) {
  const json = asJson(found.payload);
  const log = found.log ? asText(fromBase64(found.log)) : null;
  const failed = Boolean(found.error) || found.status >= 400;
  return h(
    'div.stack',
    h(
      'div.inline',
      badge(failed ? 'error' : 'ok'),
      h('span', `HTTP ${found.status}`),
      h('span.muted', ms(found.ms)),
      found.error && h('span.muted', found.error),
    ),
    h('h3', 'Response'),
    h('pre.code', {tabindex: 0}, json === null ? found.payload || '(empty)' : highlighted(json)),
    log && [h('h3', 'End of its log'), h('pre.code', {tabindex: 0}, log)],
  );
}

/** The form in a dialog. */
export function invokeDialog(name, event) {
  dialog(`Invoke ${name}`, () => invokeForm(name, event));
}
