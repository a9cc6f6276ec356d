// Elements without innerHTML: text from records is always a text node.

const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'g', 'path', 'rect', 'circle', 'line', 'text', 'title']);

/** An element: h('button.primary', {onclick}, 'Save'). Properties starting with `on` are
 * listeners; `css` sets custom properties and styles through the CSSOM, which the
 * Content-Security-Policy allows; undefined, null and false are left out. */
export function h(selector, properties, ...children) {
  if (
    properties === null ||
    typeof properties !== 'object' ||
    properties instanceof Node ||
    Array.isArray(properties)
  ) {
    children.unshift(properties);
    properties = {};
  }
  const [tag, ...classes] = selector.split('.');
  const element =
    tag !== 'title' && SVG_TAGS.has(tag)
      ? document.createElementNS(SVG, tag)
      : document.createElement(tag || 'div');
  if (classes.length) element.setAttribute('class', classes.join(' '));
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
  append(element, children);
  return element;
}

function set(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
  else if (name === 'css') for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
  else if (name === 'class')
    element.setAttribute('class', [element.getAttribute('class'), value].filter(Boolean).join(' '));
  else if (['value', 'checked', 'selected', 'disabled', 'open', 'indeterminate'].includes(name))
    element[name] = value;
  else element.setAttribute(name, value === true ? '' : value);
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces what an element has. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** Sets an element's text, if it changed: an unchanged text keeps a selection. */
export function text(element, value) {
  const next = String(value);
  if (element.textContent !== next) element.textContent = next;
}

/** Children by key: keeps, moves, makes and removes elements, so that what a person has
 * focused or selected stays. `make(item)` gives an element, `update(element, item)` the rest. */
export function keyed(parent, items, key, make, update) {
  const old = parent.keyedChildren ?? new Map();
  const now = new Map();
  let at = parent.firstChild;
  for (const item of items) {
    const id = key(item);
    const element = old.get(id) ?? make(item);
    update?.(element, item);
    if (element === at) at = at.nextSibling;
    else parent.insertBefore(element, at);
    now.set(id, element);
  }
  for (const [id, element] of old) if (now.get(id) !== element) element.remove();
  parent.keyedChildren = now;
}

/** What belongs to a view, and ends with it. */
export class Scope {
  #ends = [];
  ended = false;

  /** Runs at the end. */
  add(end) {
    if (this.ended) end();
    else this.#ends.push(end);
  }

  /** Runs now and then every so many milliseconds, never twice at once. */
  every(milliseconds, run) {
    let timer;
    const again = async () => {
      if (this.ended) return;
      if (!document.hidden) await Promise.resolve(run()).catch(() => {});
      if (!this.ended) timer = setTimeout(again, milliseconds);
    };
    again();
    this.add(() => clearTimeout(timer));
  }

  end() {
    this.ended = true;
    this.#ends.splice(0).forEach(end => end());
  }
}
