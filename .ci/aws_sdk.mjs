// Every service through the AWS SDK for JavaScript, with nothing but the variables of
// `klocal exec`: cargo local exec -- node aws_sdk.mjs
import assert from 'node:assert/strict';
import {CloudWatchLogsClient, FilterLogEventsCommand} from '@aws-sdk/client-cloudwatch-logs';
import {DynamoDBClient, GetItemCommand} from '@aws-sdk/client-dynamodb';
import {KinesisClient, PutRecordCommand} from '@aws-sdk/client-kinesis';
import {
  GetEventSourceMappingCommand, InvokeCommand, LambdaClient, ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import {
  DeleteMessageCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient,
} from '@aws-sdk/client-sqs';
import {GetParameterCommand, SSMClient} from '@aws-sdk/client-ssm';
import {GetCallerIdentityCommand, STSClient} from '@aws-sdk/client-sts';

const FUNCTION = 'kinesis-consumer-model-one-rust';
const options = {maxAttempts: 1};
const text = bytes => Buffer.from(bytes).toString();

// The one address serves all: another that klocal exec sets is not needed.
delete process.env.AWS_ENDPOINT_URL_LAMBDA;

const who = await new STSClient(options).send(new GetCallerIdentityCommand({}));
assert.equal(who.Account, '000000000000');

const key = {Name: '/keys/momento-pct-key', WithDecryption: true};
const {Parameter} = await new SSMClient(options).send(new GetParameterCommand(key));
assert.equal(Parameter.Type, 'SecureString');

const car = {TableName: 'Locations', Key: {location: {S: 'Car'}}};
const {Item} = await new DynamoDBClient(options).send(new GetItemCommand(car));
assert.equal(Item.description.S, 'Car description');

const lambda = new LambdaClient(options);
const batch = {FunctionName: FUNCTION, Payload: JSON.stringify({Records: []})};
const reply = await lambda.send(new InvokeCommand(batch));
assert.deepEqual(JSON.parse(text(reply.Payload)), {batchItemFailures: []});
const reports = {logGroupName: `/aws/lambda/${FUNCTION}`, filterPattern: 'REPORT'};
const {events} = await new CloudWatchLogsClient(options).send(new FilterLogEventsCommand(reports));
assert.match(events[0].message, /^REPORT RequestId: .*Duration: /);
const mappings = await lambda.send(new ListEventSourceMappingsCommand({FunctionName: FUNCTION}));
const {UUID} = mappings.EventSourceMappings[0];
await lambda.send(new UpdateEventSourceMappingCommand({UUID, BatchSize: 10}));
const until = Date.now() + 30_000;
for (let state = ''; state !== 'Enabled';) {
  assert(Date.now() < until, `the mapping stays ${state}`);
  ({State: state} = await lambda.send(new GetEventSourceMappingCommand({UUID})));
}

// A record that the function refuses arrives in the queue of the on-failure destination.
const poison = {StreamName: 'model-one', PartitionKey: 'Car', Data: Buffer.from('not JSON')};
await new KinesisClient(options).send(new PutRecordCommand(poison));
const sqs = new SQSClient(options);
const {QueueUrl} = await sqs.send(new GetQueueUrlCommand({QueueName: 'DiscardedBatches'}));
let message;
while (!message) {
  assert(Date.now() < until, 'nothing arrives in the queue');
  const received = await sqs.send(new ReceiveMessageCommand({QueueUrl, WaitTimeSeconds: 20}));
  [message] = received.Messages ?? [];
}
const {requestContext} = JSON.parse(message.Body);
assert.equal(requestContext.condition, 'RetryAttemptsExhausted');
await sqs.send(new DeleteMessageCommand({QueueUrl, ReceiptHandle: message.ReceiptHandle}));
console.log('the AWS SDK for JavaScript: every service answers');
