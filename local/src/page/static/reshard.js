// Splits, merges and the number of shards.

import {aws, shardsOf} from './api.js';
import {h} from './dom.js';
import {plural, shardName} from './format.js';
import {confirmed, dialog, dialogForm, field} from './ui.js';

const isOpen = shard => !shard.SequenceNumberRange.EndingSequenceNumber;

/** AWS changes the shards of an on-demand stream itself and refuses others: the stream has to
 * be provisioned. Answers false where a person does not want that. */
async function provisioned(stream) {
  const {StreamDescriptionSummary: found} = await aws('kinesis', 'DescribeStreamSummary', {StreamName: stream});
  if (found.StreamModeDetails?.StreamMode !== 'ON_DEMAND') return true;
  const yes = await confirmed(
    'Switch to provisioned',
    `${stream} is on demand: AWS splits and merges its shards itself, and refuses anyone else. Switch it to provisioned mode? It keeps its shards and records.`,
  );
  if (!yes) return false;
  await aws('kinesis', 'UpdateStreamMode', {
    StreamARN: found.StreamARN,
    StreamModeDetails: {StreamMode: 'PROVISIONED'},
  });
  await active(stream);
  return true;
}

/** Waits until the stream is ACTIVE. */
async function active(stream) {
  for (let tries = 0; tries < 100; tries += 1) {
    const {StreamDescriptionSummary: found} = await aws('kinesis', 'DescribeStreamSummary', {StreamName: stream});
    if (found.StreamStatus === 'ACTIVE') return;
    await new Promise(wake => setTimeout(wake, 100));
  }
}

/** Splits a shard in the middle of its hash keys. */
export async function splitShard(stream, shardId) {
  if (!(await provisioned(stream))) return false;
  const shard = (await shardsOf(stream)).find(one => one.ShardId === shardId);
  const [from, to] = [shard.HashKeyRange.StartingHashKey, shard.HashKeyRange.EndingHashKey].map(BigInt);
  await aws('kinesis', 'SplitShard', {
    StreamName: stream,
    ShardToSplit: shardId,
    NewStartingHashKey: String((from + to) / 2n + 1n),
  });
  return `Split in two: ${shardName(shardId)}`;
}

/** Merges a shard with the one that has the hash keys after its own, or else those before. */
export async function mergeShard(stream, shardId) {
  if (!(await provisioned(stream))) return false;
  const open = (await shardsOf(stream)).filter(isOpen);
  const shard = open.find(one => one.ShardId === shardId);
  const beside =
    open.find(one => BigInt(one.HashKeyRange.StartingHashKey) === BigInt(shard.HashKeyRange.EndingHashKey) + 1n) ??
    open.find(one => BigInt(one.HashKeyRange.EndingHashKey) + 1n === BigInt(shard.HashKeyRange.StartingHashKey));
  if (!beside) throw new Error('No open shard is beside this one');
  await aws('kinesis', 'MergeShards', {
    StreamName: stream,
    ShardToMerge: shardId,
    AdjacentShardToMerge: beside.ShardId,
  });
  return `Merged: ${shardName(shardId)} and ${shardName(beside.ShardId)}`;
}

/** Asks for the number of shards. */
export function reshardDialog(stream, summary, done) {
  dialog(`Reshard ${stream}`, close => {
    const number = h('input', {type: 'number', min: 1, value: (summary.OpenShardCount ?? 1) * 2});
    return dialogForm(
      close,
      [
        field(
          'Open shards',
          number,
          `Now ${plural(summary.OpenShardCount ?? 0, 'open shard')}. As in AWS: at most twice, at least half of them.`,
        ),
      ],
      'Reshard',
      async () => {
        if (!(await provisioned(stream))) return false;
        await aws('kinesis', 'UpdateShardCount', {
          StreamName: stream,
          TargetShardCount: Number(number.value),
          ScalingType: 'UNIFORM_SCALING',
        });
        await active(stream);
        close();
        done();
        return `${stream} has ${plural(Number(number.value), 'open shard')}`;
      },
    );
  });
}
