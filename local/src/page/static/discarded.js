// Discarded batches, their documents, and redrive.

import {local} from './api.js';
import {h, fill, keyed, text} from './dom.js';
import {clock, nameOf, plural, shardName} from './format.js';
import {on} from './live.js';
import {action, dialog, empty, jsonView, panel, said, table} from './ui.js';
import {address} from './records.js';

const documentOf = batch => batch.document ?? batch;
const infoOf = batch => documentOf(batch).KinesisBatchInfo ?? {};

/** The panel. */
export function discarded(scope) {
  const body = h('tbody');
  const rows = table(
    ['Discarded at', 'Shard', ['Records', 'num'], 'Condition', ['Invocations', 'num'], ['', 'num']],
    body,
    'Discarded batches',
  );
  const nothing = h('div');
  const note = h('span.muted');
  const load = async () => {
    let all;
    try {
      const reply = await local('GET', 'failures');
      all = Array.isArray(reply) ? reply : (reply.failures ?? reply.batches ?? []);
    } catch (error) {
      return fill(nothing, empty('The discarded batches cannot be read', said(error)));
    }
    if (scope.ended) return;
    keyed(body, all.slice(0, 200), one => one.id, row);
    rows.hidden = !all.length;
    fill(
      nothing,
      all.length
        ? null
        : empty(
            'No discarded batch',
            'A batch whose retries are used up, or that is too old, appears here with its document.',
          ),
    );
    text(note, all.length ? plural(all.length, 'batch', 'batches') : '');
  };
  const row = batch => {
    const [info, context] = [infoOf(batch), documentOf(batch).requestContext ?? {}];
    const stream = nameOf(info.streamArn);
    return h(
      'tr',
      h('td.time', clock(documentOf(batch).timestamp)),
      h('td', {title: info.shardId}, `${stream}, ${shardName(info.shardId)}`),
      h('td.num', info.batchSize),
      h('td', context.condition),
      h('td.num', context.approximateInvokeCount),
      h(
        'td.num',
        h(
          'button.quiet',
          {type: 'button', onclick: () => dialog('Invocation record', () => jsonView(documentOf(batch)))},
          'Document',
        ),
        info.startSequenceNumber &&
          h('a.button.quiet', {href: address(stream, info.startSequenceNumber)}, 'First record'),
        action(
          'Redrive',
          async () => {
            const reply = await local('POST', `failures/${encodeURIComponent(batch.id)}/redrive`);
            await load();
            return `${plural(reply.records ?? 0, 'record')} redriven: the function has processed the batch`;
          },
          {title: 'Read its records from the stream and invoke the function with them'},
        ),
      ),
    );
  };
  on(scope, 'events', events => {
    if (events.some(one => ['batchDiscarded', 'batchRedriven'].includes(one.type))) load();
  });
  scope.every(3000, load);
  return panel('Discarded batches', note, nothing, rows);
}
