// A function's newest lines in CloudWatch Logs: what was written while no page was open.

import {aws, lambda} from './api.js';

// Execution environments and lines of each that are asked for.
const STREAMS = 5;
const LINES = 300;

/** The newest lines after `since` (ms since the epoch), in the order of their times. */
export async function newestLines(name, since) {
  const {LoggingConfig} = await lambda('GET', `/2015-03-31/functions/${encodeURIComponent(name)}/configuration`);
  const logGroupName = LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`;
  const {logStreams} = await aws('logs', 'DescribeLogStreams', {
    logGroupName,
    orderBy: 'LastEventTime',
    descending: true,
    limit: STREAMS,
  });
  const each = await Promise.all(
    logStreams.map(one =>
      aws('logs', 'GetLogEvents', {logGroupName, logStreamName: one.logStreamName, startTime: since, limit: LINES}),
    ),
  );
  return each
    .flatMap(one => one.events)
    .sort((a, b) => a.timestamp - b.timestamp)
    .map(one => ({time: one.timestamp, text: one.message.trimEnd()}));
}
