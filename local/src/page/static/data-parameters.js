// Parameters; SecureStrings are masked until asked for.

import {aws, pages} from './api.js';
import {h, fill} from './dom.js';
import {action, badge, dialog, dialogForm, empty, field, panel, said, table} from './ui.js';

/** The parameters' panel. */
export function parameters(root, scope) {
  const list = h('div');
  const load = async () => {
    const all = await pages(
      'ssm',
      'DescribeParameters',
      {MaxResults: 50},
      'Parameters',
      reply => reply.NextToken && {NextToken: reply.NextToken},
    );
    const plain = new Map();
    const open = all.filter(one => one.Type !== 'SecureString').map(one => one.Name);
    for (let at = 0; at < open.length; at += 10) {
      const {Parameters} = await aws('ssm', 'GetParameters', {Names: open.slice(at, at + 10)});
      Parameters.forEach(one => plain.set(one.Name, one.Value));
    }
    if (scope.ended) return;
    fill(
      list,
      all.length
        ? table(
            ['Name', 'Type', 'Value', ['Version', 'num'], ['', 'num']],
            h(
              'tbody',
              all.map(one => row(one, plain.get(one.Name))),
            ),
            'Parameters',
          )
        : empty(
            'No parameters',
            'Add an AWS::SSM::Parameter to template.yaml, seed one in local.toml, or press “New parameter”.',
          ),
    );
  };
  const row = (one, value) => {
    const cell = h('td.preview', value ?? h('span.masked', {'aria-label': 'masked'}, '••••••••'));
    return h(
      'tr',
      h('td', h('code', one.Name)),
      h('td', badge(one.Type, one.Type === 'SecureString' ? 'warn' : 'plain')),
      cell,
      h('td.num', one.Version),
      h(
        'td.num',
        value === undefined && reveal(one.Name, cell),
        h('button.quiet', {type: 'button', onclick: () => edit(one)}, 'Change'),
      ),
    );
  };
  const reveal = (name, cell) => {
    const button = action(
      'Show',
      async () => {
        if (button.textContent === 'Hide') {
          fill(cell, h('span.masked', '••••••••'));
          fill(button, 'Show');
          return;
        }
        const {Parameter} = await aws('ssm', 'GetParameter', {Name: name, WithDecryption: true});
        fill(cell, Parameter.Value);
        fill(button, 'Hide');
      },
      {kind: 'quiet'},
    );
    return button;
  };
  const edit = one =>
    dialog(one ? `Change ${one.Name}` : 'New parameter', close => {
      const name = h('input', {value: one?.Name ?? '/', readonly: Boolean(one)});
      const type = h(
        'select',
        ['String', 'StringList', 'SecureString'].map(kind => h('option', {selected: kind === one?.Type}, kind)),
      );
      const value = h('textarea.code', {rows: 4, spellcheck: 'false'});
      return dialogForm(
        close,
        [field('Name', name), field('Type', type), field('Value', value, 'The old value is not shown here')],
        'Save',
        async () => {
          await aws('ssm', 'PutParameter', {
            Name: name.value,
            Type: type.value,
            Value: value.value,
            Overwrite: Boolean(one),
          });
          close();
          await load();
          return 'Saved';
        },
      );
    });
  fill(
    root,
    panel('Parameters', [h('button.primary', {type: 'button', onclick: () => edit()}, 'New parameter')], list),
  );
  load().catch(error => fill(list, empty('The parameters cannot be read', said(error))));
}
