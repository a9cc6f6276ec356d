// A table: its items, and edits.

import {aws} from './api.js';
import {h, fill} from './dom.js';
import {plural} from './format.js';
import {asJson} from './decode.js';
import {action, confirmed, dialog, dialogForm, empty, field, panel, said, table as rows} from './ui.js';

const PAGE = 50;

/** An attribute value without its types: DynamoDB's {"S": "x"} as x. */
function untyped(value) {
  const [[type, inner]] = Object.entries(value);
  if (type === 'M') return Object.fromEntries(Object.entries(inner).map(([key, one]) => [key, untyped(one)]));
  if (type === 'L') return inner.map(untyped);
  if (type === 'NULL') return null;
  return type === 'N' ? Number(inner) : inner;
}

/** The same as text. A number keeps its digits. */
function plain(value) {
  if (!value) return '';
  if (value.N) return value.N;
  const inner = untyped(value);
  return typeof inner === 'string' ? inner : JSON.stringify(inner);
}

/** A table's panel. */
export function table(root, scope, name) {
  const list = h('div.stack');
  const facts = h('span.muted');
  const find = h('input', {
    type: 'search',
    placeholder: 'Key',
    'aria-label': 'Partition key',
    onchange: () => read(),
  });
  let keys = [];
  let types = {};

  const load = async () => {
    const {Table: found} = await aws('dynamodb', 'DescribeTable', {TableName: name});
    keys = found.KeySchema.map(one => one.AttributeName);
    types = Object.fromEntries(found.AttributeDefinitions.map(one => [one.AttributeName, one.AttributeType]));
    find.placeholder = keys[0];
    fill(facts, `key ${keys.join(', ')} · ${found.TableStatus}`);
    await read();
  };

  async function read(start, items = []) {
    try {
      const wanted = find.value.trim();
      const page = {TableName: name, Limit: PAGE, ExclusiveStartKey: start};
      const reply = wanted
        ? await aws('dynamodb', 'Query', {
            ...page,
            KeyConditionExpression: '#k = :v',
            ExpressionAttributeNames: {'#k': keys[0]},
            ExpressionAttributeValues: {':v': {[types[keys[0]] ?? 'S']: wanted}},
          })
        : await aws('dynamodb', 'Scan', page);
      if (scope.ended) return;
      const all = [...items, ...reply.Items];
      // The keys first, then what most items have.
      const columns = [...new Set([...keys, ...all.slice(0, 100).flatMap(one => Object.keys(one))])].slice(0, 8);
      fill(
        list,
        all.length
          ? rows(
              [...columns, ['', 'num']],
              h(
                'tbody',
                all.map(item => row(item, columns)),
              ),
              'Items',
            )
          : wanted
            ? empty('No item has this key', 'The whole key has to match.')
            : empty('No items', 'Add one with “New item”.'),
        all.length > 0 &&
          h(
            'div.bar',
            h('span.muted', plural(all.length, 'item')),
            h('span.spacer'),
            reply.LastEvaluatedKey &&
              h('button', {type: 'button', onclick: () => read(reply.LastEvaluatedKey, all)}, 'More'),
          ),
      );
    } catch (error) {
      fill(list, empty('The items cannot be read', said(error)));
    }
  }

  const row = (item, columns) =>
    h(
      'tr',
      columns.map(one => h('td.preview', plain(item[one]).slice(0, 120))),
      h(
        'td.num',
        h('button.quiet', {type: 'button', onclick: () => edit(item)}, 'Edit'),
        action(
          'Delete',
          async () => {
            const key = Object.fromEntries(keys.map(one => [one, item[one]]));
            if (
              !(await confirmed(
                'Delete the item',
                `${keys.map(one => `${one} ${plain(item[one])}`).join(', ')} is deleted from ${name}.`,
                'Delete',
              ))
            )
              return false;
            await aws('dynamodb', 'DeleteItem', {TableName: name, Key: key});
            await read();
            return 'Deleted';
          },
          {kind: 'quiet'},
        ),
      ),
    );

  const edit = item =>
    dialog(item ? 'Edit the item' : 'New item', close => {
      const template = Object.fromEntries(keys.map(one => [one, {[types[one] ?? 'S']: ''}]));
      const area = h('textarea.code', {rows: 14, spellcheck: 'false'}, JSON.stringify(item ?? template, null, 2));
      return dialogForm(close, [field('Item, in DynamoDB’s JSON', area)], 'Save', async () => {
        if (asJson(area.value) === null) throw new Error('The item is not JSON');
        await aws('dynamodb', 'PutItem', {TableName: name, Item: JSON.parse(area.value)});
        close();
        await read();
        return 'Saved';
      });
    });

  fill(
    root,
    panel(
      name,
      [
        facts,
        find,
        action('Refresh', () => read()),
        h('button.primary', {type: 'button', onclick: () => edit()}, 'New item'),
      ],
      list,
    ),
  );
  load().catch(error => fill(list, empty('The table cannot be read', said(error))));
}
