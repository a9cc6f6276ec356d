// A stream: its shards, and their records by position.

import {aws, shardsOf} from './api.js';
import {asText, fromBase64, toBase64} from './decode.js';
import {h, fill} from './dom.js';
import {age, bytes, clock, plural, shardName, short} from './format.js';
import {action, badge, dataView, dialog, dialogForm, empty, field, panel, said, select, table} from './ui.js';
import {address} from './records.js';
import {reshardDialog, splitShard, mergeShard} from './reshard.js';

const PAGE = 50;
const POSITIONS = [
  ['TRIM_HORIZON', 'From the oldest'],
  ['LATEST', 'From now on'],
  ['AT_TIMESTAMP', 'At a time'],
  ['AT_SEQUENCE_NUMBER', 'At a sequence number'],
  ['AFTER_SEQUENCE_NUMBER', 'After a sequence number'],
];
const WHOLE = 2n ** 128n;

/** The part of the hash keys that a shard has, as a bar. */
function keyRange(shard) {
  const part = key => Number((BigInt(key) * 10_000n) / WHOLE) / 100;
  const [from, to] = [part(shard.HashKeyRange.StartingHashKey), part(shard.HashKeyRange.EndingHashKey)];
  return h(
    'span.range',
    {title: `${shard.HashKeyRange.StartingHashKey} to ${shard.HashKeyRange.EndingHashKey}`},
    h('span', {css: {left: `${from}%`, width: `${Math.max(1, to - from)}%`}}),
  );
}

/** The form that puts a record. */
export function putDialog(stream, done) {
  dialog(`Put a record into ${stream}`, close => {
    const key = h('input', {value: '1', name: 'key'});
    const data = h('textarea.code', {rows: 10, spellcheck: 'false', name: 'data'}, '{}');
    return dialogForm(
      close,
      [field('Partition key', key), field('Data', data, 'Sent as these bytes in UTF-8')],
      'Put',
      async () => {
        const reply = await aws('kinesis', 'PutRecord', {
          StreamName: stream,
          PartitionKey: key.value,
          Data: toBase64(data.value),
        });
        close();
        done?.(reply);
        return `Put into ${shardName(reply.ShardId)}`;
      },
    );
  });
}

/** A stream's panels. */
export function stream(root, scope, name) {
  const shardRows = h('tbody');
  const facts = h('span.muted');
  const records = h('div.stack');
  let shards = [];
  let summary = {};

  const load = async () => {
    [shards, summary] = await Promise.all([
      shardsOf(name),
      aws('kinesis', 'DescribeStreamSummary', {StreamName: name}).then(one => one.StreamDescriptionSummary),
    ]);
    if (scope.ended) return;
    const mode = summary.StreamModeDetails?.StreamMode === 'ON_DEMAND' ? 'on demand' : 'provisioned';
    fill(
      facts,
      `${summary.StreamStatus} · ${mode} · ${plural(summary.OpenShardCount, 'open shard')} · kept ${age(summary.RetentionPeriodHours * 3_600_000)}`,
    );
    fill(
      shardRows,
      shards.map(one => {
        const open = !one.SequenceNumberRange.EndingSequenceNumber;
        return h(
          'tr',
          h('td', {title: one.ShardId}, shardName(one.ShardId)),
          h('td', badge(open ? 'open' : 'closed')),
          h('td', keyRange(one)),
          h(
            'td.muted',
            [one.ParentShardId, one.AdjacentParentShardId].filter(Boolean).map(shardName).join(' + ') || '–',
          ),
          h(
            'td.num',
            h(
              'button.quiet',
              {
                type: 'button',
                onclick: () => {
                  shard.value = one.ShardId;
                  read();
                },
              },
              'Browse',
            ),
            open &&
              action(
                'Split',
                () =>
                  splitShard(name, one.ShardId).then(done => {
                    load();
                    return done;
                  }),
                {kind: 'quiet'},
              ),
            open &&
              action(
                'Merge',
                () =>
                  mergeShard(name, one.ShardId).then(done => {
                    load();
                    return done;
                  }),
                {kind: 'quiet', title: 'With the shard beside it'},
              ),
          ),
        );
      }),
    );
    if (!shard.children.length) {
      fill(
        shard,
        shards.map(one => h('option', {value: one.ShardId}, shardName(one.ShardId))),
      );
      read();
    }
  };

  const shard = h('select', {'aria-label': 'Shard', onchange: () => read()});
  const position = h('input', {'aria-label': 'Position', hidden: true, onchange: () => read()});
  const kind = select(
    POSITIONS,
    'TRIM_HORIZON',
    value => {
      position.hidden = !/AT_|AFTER/.test(value);
      position.type = value === 'AT_TIMESTAMP' ? 'datetime-local' : 'text';
      position.placeholder = value === 'AT_TIMESTAMP' ? '' : 'Sequence number';
      position.value = '';
      if (position.hidden) read();
      else position.focus();
    },
    {'aria-label': 'Position'},
  );

  let reading = 0;
  async function read(iterator, body) {
    const mine = (reading += 1);
    if (!iterator) {
      const where =
        kind.value === 'AT_TIMESTAMP'
          ? {Timestamp: new Date(position.value).getTime() / 1000}
          : /SEQUENCE/.test(kind.value)
            ? {StartingSequenceNumber: position.value}
            : {};
      if (!position.hidden && !position.value) return;
      try {
        iterator = (
          await aws('kinesis', 'GetShardIterator', {
            StreamName: name,
            ShardId: shard.value,
            ShardIteratorType: kind.value,
            ...where,
          })
        ).ShardIterator;
      } catch (error) {
        return fill(records, empty('This position cannot be read', said(error)));
      }
      body = h('tbody');
    }
    try {
      const reply = await aws('kinesis', 'GetRecords', {ShardIterator: iterator, Limit: PAGE});
      if (mine !== reading || scope.ended) return;
      body.append(...reply.Records.map(recordRow));
      const next = reply.NextShardIterator;
      fill(
        records,
        body.children.length
          ? table(
              ['Arrived', 'Partition key', 'Sequence number', ['Size', 'num'], 'Data', ''],
              body,
              'Records of the shard',
            )
          : empty(
              'No record at this position',
              `${reply.MillisBehindLatest ? 'Go on reading, or put' : 'Put'} a record, or choose another shard or position.`,
            ),
        h(
          'div.bar',
          h(
            'span.muted',
            next
              ? reply.MillisBehindLatest
                ? `${age(reply.MillisBehindLatest)} behind the newest`
                : 'At the newest record'
              : 'The end of a closed shard',
          ),
          h('span.spacer'),
          next && h('button', {type: 'button', onclick: () => read(next, body)}, 'Read on'),
        ),
      );
    } catch (error) {
      fill(records, empty('The records cannot be read', said(error)));
    }
  }

  const recordRow = one => {
    const data = fromBase64(one.Data);
    return h(
      'tr',
      h('td.time', clock(one.ApproximateArrivalTimestamp * 1000)),
      h('td.key', one.PartitionKey),
      h('td.muted.seq', {title: one.SequenceNumber}, short(one.SequenceNumber, 8)),
      h('td.num', bytes(data.length)),
      h('td.preview', (asText(data) ?? '(bytes)').slice(0, 160)),
      h(
        'td.num',
        h(
          'button.quiet',
          {type: 'button', onclick: () => dialog(`Record of ${one.PartitionKey}`, () => dataView(data))},
          'View',
        ),
        h('a.button.quiet', {href: address(name, one.SequenceNumber)}, 'Journey'),
      ),
    );
  };

  fill(
    root,
    panel(
      name,
      [
        facts,
        h(
          'button.primary',
          {
            type: 'button',
            onclick: () =>
              putDialog(name, () => {
                if (kind.value !== 'LATEST') read();
              }),
          },
          'Put a record',
        ),
        h('button', {type: 'button', onclick: () => reshardDialog(name, summary, load)}, 'Reshard'),
      ],
      table(['Shard', 'State', 'Hash keys', 'From', ['', 'num']], shardRows, 'Shards'),
    ),
    panel('Records', [shard, kind, position], records),
  );
  load().catch(error => fill(root, empty('The stream cannot be read', said(error))));
}
