// What is in the streams, queues, tables, parameters and the cache.

import {h, fill} from './dom.js';
import {aws} from './api.js';
import {empty, said} from './ui.js';
import {cache} from './data-cache.js';
import {parameters} from './data-parameters.js';
import {queue} from './data-queues.js';
import {stream} from './data-streams.js';
import {table} from './data-tables.js';

const names = {
  streams: async () => (await aws('kinesis', 'ListStreams')).StreamNames,
  queues: async () => ((await aws('sqs', 'ListQueues')).QueueUrls ?? []).map(url => url.split('/').pop()),
  tables: async () => (await aws('dynamodb', 'ListTables')).TableNames,
};

const KINDS = [
  [
    'streams',
    'Streams',
    stream,
    'No streams',
    'Add an AWS::Kinesis::Stream to template.yaml, or create one with aws kinesis create-stream.',
  ],
  [
    'queues',
    'Queues',
    queue,
    'No queues',
    'Add an AWS::SQS::Queue to template.yaml, or create one with aws sqs create-queue.',
  ],
  [
    'tables',
    'Tables',
    table,
    'No tables',
    'Add an AWS::DynamoDB::Table to template.yaml, or create one with aws dynamodb create-table.',
  ],
  ['parameters', 'Parameters', parameters],
  ['cache', 'Cache', cache],
];

/** The view: #/data/KIND/NAME. */
export function data(root, scope, [kind = 'streams', name]) {
  const [key, title, show, none, hint] = KINDS.find(one => one[0] === kind) ?? KINDS[0];
  const content = h('div.stack');
  const chosen = h('nav.tabs.second', {'aria-label': title});
  fill(
    root,
    h(
      'div.bar.wrap',
      h('h1', 'Data'),
      h(
        'nav.tabs',
        {'aria-label': 'Kinds of data'},
        KINDS.map(one =>
          h('a', {href: `#/data/${one[0]}`, 'aria-current': one[0] === key ? 'page' : undefined}, one[1]),
        ),
      ),
    ),
    chosen,
    content,
  );
  if (!names[key]) return show(content, scope);
  names[key]()
    .then(all => {
      if (scope.ended) return;
      const one = name ?? all[0];
      if (!one) return fill(content, empty(none, hint));
      fill(
        chosen,
        all.length > 1 &&
          all.map(each =>
            h(
              'a',
              {
                href: `#/data/${key}/${encodeURIComponent(each)}`,
                'aria-current': each === one ? 'page' : undefined,
              },
              each,
            ),
          ),
      );
      show(content, scope, one);
    })
    .catch(error => fill(content, empty(`${title} cannot be listed`, said(error))));
}
