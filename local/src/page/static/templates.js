// Events to invoke a function with, in the forms of AWS's documentation.

import {place} from './api.js';
import {toBase64} from './decode.js';

const ACCOUNT = '000000000000';

/** The event of Kinesis records ("Using Lambda with Kinesis"). */
export function kinesisEvent(records) {
  return {
    Records: records.map(one => ({
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: one.partitionKey,
        sequenceNumber: one.sequenceNumber,
        data: one.data,
        approximateArrivalTimestamp: one.arrival,
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `${one.shard}:${one.sequenceNumber}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: `arn:aws:iam::${ACCOUNT}:role/local`,
      awsRegion: place.region,
      eventSourceARN: `arn:aws:kinesis:${place.region}:${ACCOUNT}:stream/${one.stream}`,
    })),
  };
}

/** Templates: [name, () => event]. */
export const TEMPLATES = [
  [
    'Kinesis, one record',
    () =>
      kinesisEvent([
        {
          stream: 'stream',
          shard: 'shardId-000000000000',
          partitionKey: '1',
          sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
          data: toBase64('{"hello":"world"}'),
          arrival: Date.now() / 1000,
        },
      ]),
  ],
  ['Kinesis, no records', () => ({Records: []})],
  [
    'SQS, one message',
    () => ({
      Records: [
        {
          messageId: crypto.randomUUID(),
          receiptHandle: 'local',
          body: '{"hello":"world"}',
          attributes: {
            ApproximateReceiveCount: '1',
            SentTimestamp: String(Date.now()),
            SenderId: ACCOUNT,
            ApproximateFirstReceiveTimestamp: String(Date.now()),
          },
          messageAttributes: {},
          md5OfBody: '',
          eventSource: 'aws:sqs',
          eventSourceARN: `arn:aws:sqs:${place.region}:${ACCOUNT}:queue`,
          awsRegion: place.region,
        },
      ],
    }),
  ],
  [
    'API Gateway, HTTP API',
    () => ({
      version: '2.0',
      routeKey: 'GET /',
      rawPath: '/',
      rawQueryString: '',
      headers: {accept: 'application/json'},
      requestContext: {
        http: {method: 'GET', path: '/', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'klocal'},
        stage: '$default',
      },
      isBase64Encoded: false,
    }),
  ],
  [
    'Scheduled event',
    () => ({
      version: '0',
      id: crypto.randomUUID(),
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account: ACCOUNT,
      time: new Date().toISOString(),
      region: place.region,
      resources: [],
      detail: {},
    }),
  ],
  ['Empty object', () => ({})],
];
