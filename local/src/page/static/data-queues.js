// A queue: its messages, as a receive shows them without taking them away.

import {aws} from './api.js';
import {h, fill} from './dom.js';
import {clock, count} from './format.js';
import {asJson} from './decode.js';
import {action, confirmed, dialog, dialogForm, empty, field, highlighted, panel, said, table} from './ui.js';

/** The invocation records of discarded batches are read like any other message. */
export function queue(root, scope, name) {
  const body = h('tbody');
  const facts = h('span.muted');
  const list = h('div');
  let url;

  const find = async () => {
    url ??= (await aws('sqs', 'GetQueueUrl', {QueueName: name})).QueueUrl;
  };
  const load = async () => {
    await find();
    const {Attributes: found} = await aws('sqs', 'GetQueueAttributes', {QueueUrl: url, AttributeNames: ['All']});
    if (scope.ended) return;
    fill(
      facts,
      `${count(Number(found.ApproximateNumberOfMessages))} visible · ${count(Number(found.ApproximateNumberOfMessagesNotVisible))} in flight · ${count(Number(found.ApproximateNumberOfMessagesDelayed))} delayed`,
    );
    return found;
  };
  // With a visibility timeout of 0 a message is visible again at once; its receive count goes up.
  const peek = async () => {
    await find();
    const seen = new Map();
    for (let round = 0; round < 5; round += 1) {
      const {Messages = []} = await aws('sqs', 'ReceiveMessage', {
        QueueUrl: url,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 2,
        WaitTimeSeconds: 0,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      });
      if (!Messages.length) break;
      Messages.forEach(one => seen.set(one.MessageId, one));
    }
    const messages = [...seen.values()];
    await Promise.all(
      messages.map(one =>
        aws('sqs', 'ChangeMessageVisibility', {
          QueueUrl: url,
          ReceiptHandle: one.ReceiptHandle,
          VisibilityTimeout: 0,
        }).catch(() => {}),
      ),
    );
    if (scope.ended) return;
    fill(body, messages.map(row));
    fill(
      list,
      messages.length
        ? table(['Sent', ['Received', 'num'], 'Body', ['', 'num']], body, 'Messages')
        : empty('No visible message', 'Send one, or wait until the messages in flight are visible again.'),
    );
    load();
  };
  const row = one =>
    h(
      'tr',
      h('td.time', clock(Number(one.Attributes?.SentTimestamp))),
      h('td.num', `${one.Attributes?.ApproximateReceiveCount ?? '–'}×`),
      h('td.preview', one.Body.slice(0, 200)),
      h(
        'td.num',
        h('button.quiet', {type: 'button', onclick: () => view(one)}, 'View'),
        action(
          'Delete',
          async () => {
            // A receipt handle ends with the visibility timeout: a FIFO queue refuses an old one.
            await aws('sqs', 'DeleteMessage', {QueueUrl: url, ReceiptHandle: one.ReceiptHandle});
            await peek();
            return 'Deleted';
          },
          {kind: 'quiet'},
        ),
      ),
    );
  const view = one =>
    dialog(`Message ${one.MessageId}`, () => {
      const json = asJson(one.Body);
      return [
        h('pre.code', {tabindex: 0}, json === null ? one.Body : highlighted(json)),
        h(
          'details',
          h('summary', 'Attributes'),
          h('pre.code', highlighted(JSON.stringify({...one.Attributes, ...one.MessageAttributes}, null, 2))),
        ),
      ];
    });
  const send = () =>
    dialog(`Send a message to ${name}`, close => {
      const text = h('textarea.code', {rows: 8, spellcheck: 'false'}, '{}');
      const group = h('input', {value: '1'});
      const fifo = name.endsWith('.fifo');
      return dialogForm(close, [field('Body', text), fifo && field('Message group', group)], 'Send', async () => {
        await find();
        await aws('sqs', 'SendMessage', {
          QueueUrl: url,
          MessageBody: text.value,
          ...(fifo ? {MessageGroupId: group.value, MessageDeduplicationId: crypto.randomUUID()} : {}),
        });
        close();
        await peek();
        return 'Sent';
      });
    });

  fill(
    root,
    panel(
      name,
      [
        facts,
        h('button.primary', {type: 'button', onclick: send}, 'Send a message'),
        action('Read messages', peek, {
          title: 'Receives up to 50 messages and gives them back; their receive counts go up',
        }),
        action('Purge', async () => {
          if (!(await confirmed(`Purge ${name}`, 'All its messages are deleted.', 'Purge'))) return false;
          await find();
          await aws('sqs', 'PurgeQueue', {QueueUrl: url});
          await peek();
          return 'Purged';
        }),
      ],
      list,
    ),
  );
  // Reading changes receive counts, and so what a redrive policy does: only on request.
  fill(
    list,
    empty(
      'Messages are not read by themselves',
      'Reading counts as a receive, and a redrive policy counts receives. Press “Read messages”.',
    ),
  );
  scope.every(2000, () => load().catch(error => fill(facts, said(error))));
}
