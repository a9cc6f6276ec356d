// A function's log: live, with level filter and search, and its errors in groups.

import {h, fill, text} from './dom.js';
import {clock, count} from './format.js';
import {on, store} from './live.js';
import {choice, empty, panel} from './ui.js';
import {LEVELS, readLine} from './logline.js';
import {newestLines} from './log-history.js';

const MOST = 300;
// How often new lines are drawn: a function may write thousands a second.
const DRAW_EVERY = 500;
// How old the first lines are at most.
const HISTORY = 600_000;
/** A line as it is listed. */
function read(line) {
  return {...line, ...readLine(line.text)};
}

/** A message without what differs between two of the same error. */
function group(message) {
  return message
    .split('\n')[0]
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '…')
    .replace(/\b[0-9a-f]{12,}\b/gi, '…')
    .replace(/\d+(\.\d+)?/g, '#')
    .slice(0, 200);
}

/** The two panels. */
export function logs(scope, name) {
  let lines = store.logs
    .filter(one => one.function === name)
    .map(one => read({time: Date.parse(one.time), environment: one.environment, text: one.text}));
  let least = 'info';
  let search = '';
  let follows = true;
  const list = h('div.log', {tabindex: 0, role: 'log', 'aria-label': `Log of ${name}`, 'aria-live': 'off'});
  const nothing = h('div');
  const groups = h('ul.groups');
  const input = h('input', {
    type: 'search',
    placeholder: 'Search',
    'aria-label': 'Search the log',
    oninput: () => find(input.value),
  });
  const note = h('span.muted');
  const find = value => {
    search = value.toLowerCase();
    input.value = value;
    all();
  };
  const matches = line =>
    LEVELS.indexOf(line.level) >= LEVELS.indexOf(least) && (!search || line.text.toLowerCase().includes(search));

  const unfold = line => event => {
    if (event.target.children.length < 2) event.target.append(h('pre', JSON.stringify(line.json, null, 2)));
  };
  const row = line =>
    h(
      `div.line.${line.level}`,
      h('time', clock(line.time)),
      h('span.level', line.level),
      line.json
        ? h('details.text', {ontoggle: unfold(line)}, h('summary', line.message, h('span.rest', line.rest)))
        : h('span.text', line.message),
    );
  const ends = () => {
    if (follows) list.scrollTop = list.scrollHeight;
  };
  list.addEventListener('scroll', () => {
    follows = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
  });
  const all = () => {
    const shown = lines.filter(matches).slice(-MOST);
    fill(list, shown.map(row));
    state(shown.length);
    ends();
  };
  const state = shown => {
    list.hidden = !shown;
    fill(
      nothing,
      shown
        ? null
        : lines.length
          ? empty(
              'No line matches',
              'Choose a lower level, such as debug for Lambda’s own lines, or another search.',
            )
          : empty('No lines yet', 'What the function writes to stdout and stderr appears here.'),
    );
    const skipped = store.linesSkipped ? `, ${count(store.linesSkipped)} were too many to show` : '';
    text(note, shown ? `newest ${count(shown)}${skipped}` : '');
  };
  const errors = () => {
    const found = new Map();
    for (const line of lines) {
      if (line.level !== 'error') continue;
      const key = group(line.message);
      const one = found.get(key) ?? {key, times: 0, last: line};
      one.times += 1;
      one.last = line;
      found.set(key, one);
    }
    const sorted = [...found.values()].sort((a, b) => b.times - a.times).slice(0, 20);
    fill(
      groups,
      sorted.length
        ? sorted.map(one =>
            h(
              'li',
              h(
                'button.quiet',
                {type: 'button', title: 'Show these lines', onclick: () => find(one.last.message.slice(0, 60))},
                h('b.num', `${count(one.times)}×`),
                h('span', one.last.message.split('\n')[0]),
                h('time.muted', clock(one.last.time).slice(0, 8)),
              ),
            ),
          )
        : h('li', empty('No errors', 'Lines of level error are grouped here by their message.')),
    );
  };

  const fresh = [];
  const more = () => {
    const lines_ = fresh.splice(0).slice(-5000).map(read);
    if (!lines_.length) return;
    lines = [...lines, ...lines_].slice(-5000);
    const some = lines_.filter(matches).slice(-MOST);
    if (some.length) {
      list.append(...some.map(row));
      while (list.children.length > MOST) list.firstChild.remove();
      state(list.children.length);
      ends();
    }
    if (lines_.some(one => one.level === 'error')) errors();
  };
  on(scope, 'logs', logged => {
    const mine = logged.filter(one => one.function === name);
    fresh.push(...mine.map(one => ({time: Date.parse(one.time), environment: one.environment, text: one.text})));
  });
  scope.every(DRAW_EVERY, more);
  // Lines from before the page opened, and from while it was hidden.
  const missed = async (since, before = Infinity) => {
    const found = (await newestLines(name, since)).filter(one => one.time < before).map(read);
    if (scope.ended || !found.length) return;
    lines = [...lines, ...found].sort((a, b) => a.time - b.time).slice(-5000);
    all();
    errors();
  };
  missed(Date.now() - HISTORY, lines[0]?.time).catch(() => {});
  on(scope, 'hello', () => missed((lines.at(-1)?.time ?? Date.now() - HISTORY) + 1).catch(() => {}));

  all();
  errors();
  return h(
    'div.stack',
    panel(
      'Log',
      [
        note,
        input,
        choice(
          'Least level',
          LEVELS.map(one => [one, one]),
          least,
          value => {
            least = value;
            all();
          },
        ),
      ],
      nothing,
      list,
    ),
    panel('Errors', h('span.muted', 'grouped by message'), groups),
  );
}
