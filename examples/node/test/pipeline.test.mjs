// Run by `klocal exec -- node --test`, which sets the variables that lead here.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";

const kinesis = new KinesisClient();
const dynamodb = new DynamoDBClient();
const StreamName = "purchases";

async function put(...records) {
  const Records = records.map((data) => ({ Data: Buffer.from(data), PartitionKey: "purchases" }));
  const reply = await kinesis.send(new PutRecordsCommand({ StreamName, Records }));
  assert.equal(reply.FailedRecordCount, 0);
}

/** Resolves when every record is processed or discarded: no test sleeps. */
async function settled() {
  const reply = await fetch(`${process.env.LOCAL_URL}/_local/settled?timeout=60`, { method: "POST" });
  const { settled, discarded, status } = await reply.json();
  assert.ok(settled, JSON.stringify(status));
  return discarded;
}

async function spent(customer) {
  const reply = await dynamodb.send(new GetItemCommand({ TableName: "totals", Key: { customer: { S: customer } } }));
  return Number(reply.Item?.spent.N ?? 0);
}

/** The records of a discarded batch, read again. */
async function records({ shard, startSequenceNumber, records }) {
  const { ShardIterator } = await kinesis.send(
    new GetShardIteratorCommand({
      StreamName,
      ShardId: shard,
      ShardIteratorType: "AT_SEQUENCE_NUMBER",
      StartingSequenceNumber: startSequenceNumber,
    }),
  );
  const { Records } = await kinesis.send(new GetRecordsCommand({ ShardIterator, Limit: records }));
  return Records.map(({ Data }) => Buffer.from(Data).toString());
}

test("purchases of a customer are added up", async () => {
  await put('{"customer": "ada", "amount": 5}', '{"customer": "ada", "amount": 7}');
  assert.deepEqual(await settled(), []);
  assert.equal(await spent("ada"), 12);
});

test("a poison record is discarded alone", async () => {
  await put('{"customer": "bob", "amount": 1}', '{"customer": "bob"}', '{"customer": "bob", "amount": 2}');
  const [batch, ...others] = await settled();
  assert.deepEqual(others, []);
  assert.equal(batch.condition, "RetryAttemptsExhausted");
  assert.deepEqual(await records(batch), ['{"customer": "bob"}']);
  assert.equal(await spent("bob"), 3);
});
