// The options of an event source mapping, with AWS's rule, and how the page edits one
// (Lambda API reference, UpdateEventSourceMapping; Lambda developer guide, Kinesis).

/** [name, rule, 'number' or 'boolean' where it can be changed here]. */
export const OPTIONS = [
  ['BatchSize', '1 to 10,000 records in an invocation, 100 by default (queues: 10); at most 6 MB', 'number'],
  [
    'MaximumBatchingWindowInSeconds',
    '0 to 300: how long a batch may fill. Queues with more than 10 messages in a batch need at least 1',
    'number',
  ],
  [
    'ParallelizationFactor',
    '1 to 10 batches of a shard at once; records of one partition key stay in order',
    'number',
  ],
  [
    'MaximumRetryAttempts',
    '-1 (until the records expire) to 10,000 retries; then the batch is discarded',
    'number',
  ],
  ['MaximumRecordAgeInSeconds', '-1 (no limit), or 60 to 604,800: older records are discarded', 'number'],
  ['BisectBatchOnFunctionError', 'Splits a failed batch in two, which uses up no retry', 'boolean'],
  ['TumblingWindowInSeconds', '0 to 900: windows that pass state from one invocation to the next', 'number'],
  [
    'FunctionResponseTypes',
    'ReportBatchItemFailures: a partial batch response moves the checkpoint to the lowest record that it names',
  ],
  [
    'DestinationConfig',
    'Discarded batches are described in an invocation record, sent to this on-failure destination',
  ],
  ['FilterCriteria', 'Up to 5 patterns; a record that matches none counts as processed, and is not sent'],
  ['ScalingConfig', 'MaximumConcurrency, 2 to 1,000: how many environments a queue may use at once'],
  ['StartingPosition', 'TRIM_HORIZON, LATEST or AT_TIMESTAMP; it cannot be changed later'],
];
