// ListStreams by the AWS SDK for JavaScript, with a Host of its own: node hosts_smoke.mjs PORT HOST
import assert from 'node:assert/strict';
import {KinesisClient, ListStreamsCommand} from '@aws-sdk/client-kinesis';

const [port, host] = process.argv.slice(2);
const client = new KinesisClient({
  endpoint: `http://${host === '[::1]' ? host : '127.0.0.1'}:${port}`,
  region: 'us-east-1',
  credentials: {accessKeyId: 'local', secretAccessKey: 'local'},
  maxAttempts: 1,
});
client.middlewareStack.add(
  next => args => {
    args.request.headers.host = `${host}:${port}`;
    return next(args);
  },
  {step: 'finalizeRequest', priority: 'low'},
);
try {
  await client.send(new ListStreamsCommand({}));
  console.log('200');
} catch (error) {
  assert.equal(error.name, 'AccessDeniedException', error);
  assert.match(error.message, /--allow-host/);
  console.log(String(error.$metadata.httpStatusCode));
}
client.destroy();
