// One record's journey as a waterfall, its data, and what to do with it.

import {aws, local, mappingsOf} from './api.js';
import {fromBase64} from './decode.js';
import {h, fill} from './dom.js';
import {bytes, clock, ms, nameOf, shardName} from './format.js';
import {on, store} from './live.js';
import {action, badge, copy, dataView, empty, panel, said} from './ui.js';
import {logged, waterfall} from './waterfall.js';
import {kinesisEvent} from './templates.js';
import {invokeDialog} from './invoke.js';

/** Records of a batch are invoked again from the stream, which still has them. */
async function batchOf(record, steps) {
  const batch = steps.find(one => one.batch)?.batch;
  const to = BigInt(batch?.end ?? record.sequenceNumber);
  const {ShardIterator} = await aws('kinesis', 'GetShardIterator', {
    StreamName: record.stream,
    ShardId: record.shard,
    ShardIteratorType: 'AT_SEQUENCE_NUMBER',
    StartingSequenceNumber: batch?.start ?? record.sequenceNumber,
  });
  const {Records} = await aws('kinesis', 'GetRecords', {ShardIterator, Limit: batch ? 10_000 : 1});
  return Records.filter(one => BigInt(one.SequenceNumber) <= to);
}

async function functionOf(record) {
  if (record.function) return nameOf(record.function);
  const mapping = (await mappingsOf()).find(one => nameOf(one.EventSourceArn) === record.stream);
  return nameOf(mapping?.FunctionArn) || store.hello?.functions?.[0];
}

function actions(record, journey) {
  const body = () => JSON.stringify({StreamName: record.stream, PartitionKey: record.partitionKey, Data: record.data});
  const curl = () =>
    `curl ${location.origin}/ -H 'content-type: application/x-amz-json-1.1' -H 'x-amz-target: Kinesis_20131202.PutRecord' -d '${body().replaceAll("'", String.raw`'\''`)}'`;
  return [
    action(
      'Send again',
      async () => {
        const reply = await aws('kinesis', 'PutRecord', JSON.parse(body()));
        location.hash = `#/records/${encodeURIComponent(record.stream)}/${reply.SequenceNumber}`;
        return 'Sent again: this is the new record';
      },
      {kind: 'primary', title: 'Put the same data with the same partition key'},
    ),
    action(
      'Invoke with this batch',
      async () => {
        const [found, name] = [await batchOf(record, journey.steps), await functionOf(record)];
        if (!name) throw new Error('No function reads this stream');
        invokeDialog(
          name,
          kinesisEvent(
            found.map(one => ({
              stream: record.stream,
              shard: record.shard,
              sequenceNumber: one.SequenceNumber,
              partitionKey: one.PartitionKey,
              data: one.Data,
              arrival: one.ApproximateArrivalTimestamp,
            })),
          ),
        );
      },
      {title: 'Invoke the function with the records of the batch, outside the mapping'},
    ),
    copy(journey.command?.put ?? '', 'Copy as CLI'),
    copy(curl, 'Copy as curl'),
  ];
}

function facts(record) {
  const one = (label, value, title) => h('div', h('dt', label), h('dd', {title}, value));
  return h(
    'dl.facts',
    one('Stream', record.stream),
    one('Shard', shardName(record.shard), record.shard),
    one('Partition key', record.partitionKey),
    one('Put at', clock(record.putAt)),
    one('Latency', ms(record.latencyMs)),
    one('Tries', record.tries || '–'),
    one('Size', bytes(record.bytes)),
    one('Sequence number', record.sequenceNumber),
  );
}

/** The view: #/records/STREAM/SEQUENCE_NUMBER. */
export function journey(root, scope, [stream, sequenceNumber]) {
  const head = h('span.inline');
  const buttons = h('span.inline.end');
  const content = h('div.stack');
  fill(
    root,
    h(
      'div.bar.wrap',
      h('a.back', {href: '#/records'}, '← Records'),
      h('h1', 'Record'),
      head,
      h('span.spacer'),
      buttons,
    ),
    content,
  );

  let shown = '';
  let asked = false;
  const load = async () => {
    if (asked) return;
    asked = true;
    try {
      const found = await local('GET', `records/${encodeURIComponent(stream)}/${sequenceNumber}`);
      if (scope.ended) return;
      const now = JSON.stringify(found);
      if (now === shown) return;
      shown = now;
      show(found);
    } catch (error) {
      if (!shown) {
        fill(
          content,
          error.status === 404
            ? empty(
                'This record is not known here',
                'klocal records journeys from the moment a page is open, and keeps those of the newest 10,000 records and of the last that failed.',
                h('p', h('a', {href: '#/records'}, 'See the records that are known')),
              )
            : empty('The journey cannot be read', said(error)),
        );
      }
    } finally {
      asked = false;
    }
  };
  let dataShown = null;
  const show = found => {
    const {record, steps} = found;
    fill(head, badge(record.status));
    fill(buttons, store.hello?.awsUrl ? actions(record, found) : []);
    dataShown ??= panel('Data', null, dataView(fromBase64(record.data)));
    const made = logged(steps, record);
    fill(
      content,
      facts(record),
      panel('Journey', h('span.muted', 'cache and store calls: by key and time'), waterfall(steps, record)),
      h(
        'div.columns.even',
        dataShown,
        made && panel('What the function made of it', h('span.muted', 'from its log'), made),
      ),
    );
  };
  const done = () => ['processed', 'filtered', 'discarded'].includes(JSON.parse(shown || '{}').record?.status);
  on(scope, 'records', message => {
    if (
      message.records.some(one => one.sequenceNumber === sequenceNumber && one.stream === stream) ||
      (!done() && message.skipped)
    )
      load();
  });
  scope.every(5000, load);
}
