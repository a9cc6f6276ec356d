// Parts that several views use.

import {h, fill} from './dom.js';
import {asHex, asJson, asText} from './decode.js';

/** A message that goes away by itself; an error stays longer. */
export function toast(message, isError = false) {
  const box = h(
    `div.toast${isError ? '.bad' : ''}`,
    h('span', message),
    h('button.quiet', {'aria-label': 'Close the message', onclick: () => box.remove()}, '×'),
  );
  const toasts = document.getElementById('toasts');
  toasts.append(box);
  while (toasts.children.length > 3) toasts.firstChild.remove();
  setTimeout(() => box.remove(), isError ? 12_000 : 4000);
}

/** A button that runs something once at a time, and shows how it ended. */
export function action(label, run, {kind = '', done, title} = {}) {
  const button = h(
    `button${kind && `.${kind}`}`,
    {
      type: 'button',
      title,
      onclick: async () => {
        button.disabled = true;
        try {
          const message = await run();
          if (message !== false && (done || typeof message === 'string')) toast(done ?? message);
        } catch (error) {
          toast(said(error), true);
        } finally {
          button.disabled = false;
        }
      },
    },
    label,
  );
  return button;
}

/** An error in one line. */
export function said(error) {
  return error.code && error.code !== error.message && !error.code.startsWith('HTTP')
    ? `${error.code}: ${error.message}`
    : error.message;
}

/** What to do where there is nothing to show. */
export function empty(title, ...hints) {
  return h(
    'div.empty',
    h('p.title', title),
    hints.map(hint => (hint instanceof Node ? hint : h('p', hint))),
  );
}

/** A command to copy. */
export function command(text) {
  return h('div.command', h('code', text), copy(text));
}

/** A button that copies. */
export function copy(text, label = 'Copy') {
  return action(
    label,
    async () => {
      if (!navigator.clipboard) throw new Error('The browser copies only from 127.0.0.1, localhost and HTTPS');
      await navigator.clipboard.writeText(typeof text === 'function' ? await text() : text);
      return 'Copied';
    },
    {kind: 'quiet'},
  );
}

/** How a record is put from a terminal. */
export function putCommand(stream) {
  return command(`echo '{"id":"1"}' | klocal put ${stream} --file - --endpoint-url ${location.origin}`);
}

/** A titled box; `side` stands at the right of its title. */
export function panel(title, side, ...children) {
  return h('section.panel', h('header', h('h2', title), h('div.side', side)), children);
}

/** A small coloured word. */
export function badge(word, tone = TONES[word] ?? 'plain') {
  return h(`span.badge.${tone}`, word);
}

const TONES = {
  processed: 'good',
  ok: 'good',
  Enabled: 'good',
  idle: 'good',
  ACTIVE: 'good',
  open: 'good',
  hit: 'good',
  waiting: 'plain',
  invoked: 'info',
  busy: 'info',
  init: 'info',
  miss: 'info',
  retrying: 'warn',
  warn: 'warn',
  running: 'info',
  partial: 'warn',
  throttled: 'warn',
  Disabled: 'warn',
  closed: 'plain',
  discarded: 'bad',
  error: 'bad',
  timeout: 'bad',
  exit: 'bad',
  fault: 'bad',
  tooLarge: 'bad',
  unavailable: 'bad',
  filtered: 'plain',
};

/** A table; `columns` are names, or [name, class]. */
export function table(columns, body, label) {
  const head = columns.map(one =>
    Array.isArray(one) ? h(`th.${one[1]}`, {scope: 'col'}, one[0]) : h('th', {scope: 'col'}, one),
  );
  return h(
    'div.scroll',
    {tabindex: 0, role: 'region', 'aria-label': label ?? columns.flat().join(', ')},
    h('table', h('thead', h('tr', head)), body),
  );
}

/** Buttons of which one is pressed. */
export function choice(label, options, selected, pick) {
  const group = h('div.choice', {role: 'group', 'aria-label': label});
  const show = now =>
    fill(
      group,
      options.map(([value, name]) =>
        h(
          'button',
          {
            type: 'button',
            'aria-pressed': String(value === now),
            onclick: () => {
              show(value);
              pick(value);
            },
          },
          name,
        ),
      ),
    );
  show(selected);
  return group;
}

/** Data as JSON, text or hexadecimal; the first that suits is shown. */
export function dataView(bytes) {
  const text = asText(bytes);
  const json = text === null ? null : asJson(text);
  const forms = [json !== null && ['json', 'JSON'], text !== null && ['text', 'Text'], ['hex', 'Hex']].filter(Boolean);
  const pre = h('pre.code', {tabindex: 0});
  const show = form => {
    if (form === 'json') fill(pre, highlighted(json));
    else fill(pre, form === 'text' ? text : asHex(bytes));
  };
  show(forms[0][0]);
  return h(
    'div.decoded',
    h(
      'div.bar',
      choice('Form of the data', forms, forms[0][0], show),
      copy(() => pre.textContent),
    ),
    pre,
  );
}

/** JSON as text nodes with colours. */
export function highlighted(json) {
  const parts = [];
  const pattern = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  let end = 0;
  for (const found of json.matchAll(pattern)) {
    parts.push(json.slice(end, found.index));
    const kind = found[2] ? 'key' : found[1] ? 'string' : found[3] ? 'word' : 'number';
    parts.push(h(`span.${kind}`, found[1] ?? found[0]), found[2] ?? '');
    end = found.index + found[0].length;
  }
  parts.push(json.slice(end));
  return parts;
}

/** A JSON document. */
export function jsonView(document) {
  return h('pre.code', {tabindex: 0}, highlighted(JSON.stringify(document, null, 2)));
}

/** A labelled field. */
export function field(label, control, hint) {
  return h('label.field', h('span.label', label), control, hint && h('span.hint', hint));
}

/** A select. */
export function select(options, value, onchange, properties = {}) {
  return h(
    'select',
    {...properties, onchange: event => onchange?.(event.target.value)},
    options.map(one => {
      const [key, name] = Array.isArray(one) ? one : [one, one];
      return h('option', {value: key, selected: key === value}, name);
    }),
  );
}

/** Asks in a dialog; `build(close)` gives its content. Escape closes it. */
export function dialog(title, build) {
  const box = h('dialog', {'aria-label': title, onclose: () => box.remove()});
  const close = () => box.close();
  fill(
    box,
    h('header', h('h2', title), h('button.quiet', {type: 'button', 'aria-label': 'Close', onclick: close}, '×')),
    build(close),
  );
  document.body.append(box);
  box.showModal();
  return box;
}

/** The form of a dialog: its fields, and a button that runs. `run` closes the dialog itself,
 * so that what was entered stays when it fails. */
export function dialogForm(close, fields, label, run) {
  return h(
    'form.stack',
    {onsubmit: event => event.preventDefault()},
    fields,
    h('div.buttons', h('button', {type: 'button', onclick: close}, 'Cancel'), action(label, run, {kind: 'primary'})),
  );
}

/** Asks before something is lost. */
export function confirmed(title, explanation, label = title) {
  return new Promise(answer => {
    const box = dialog(title, close => [
      h('p', explanation),
      h(
        'div.buttons',
        h('button', {type: 'button', onclick: close}, 'Cancel'),
        h(
          'button.danger',
          {
            type: 'button',
            autofocus: true,
            onclick: () => {
              answer(true);
              close();
            },
          },
          label,
        ),
      ),
    ]);
    box.addEventListener('close', () => answer(false));
  });
}
