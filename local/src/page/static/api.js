// Requests to the own origin: the AWS APIs, and the paths under /_local/.

/** A refusal, with the service's own words. */
export class ApiError extends Error {
  constructor(code, message, status) {
    super(message || code);
    this.code = code;
    this.status = status;
  }
}

const AWS = {
  kinesis: ['Kinesis_20131202', '1.1'],
  sqs: ['AmazonSQS', '1.0'],
  dynamodb: ['DynamoDB_20120810', '1.0'],
  ssm: ['AmazonSSM', '1.1'],
  logs: ['Logs_20140328', '1.1'],
};

/** The region of the running environment; live.js sets it. */
export const place = {region: 'us-east-1'};

/** Calls an operation of an AWS service: aws('kinesis', 'ListStreams', {}). The local
 * services check no signature, but DynamoDB's wants one that is complete. */
export async function aws(service, operation, body = {}) {
  const [target, version] = AWS[service];
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `local/${date.slice(0, 8)}/${place.region}/${service}/aws4_request`;
  return request('POST', '/', JSON.stringify(body), {
    'content-type': `application/x-amz-json-${version}`,
    'x-amz-target': `${target}.${operation}`,
    'x-amz-date': date,
    authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
  });
}

/** Calls Lambda's REST API. */
export function lambda(method, path, body) {
  return request(method, path, body === undefined ? undefined : JSON.stringify(body), {
    'content-type': 'application/json',
  });
}

/** Invokes a function, and gives status, error kind, payload and the end of its log. */
export async function invoke(name, payload) {
  const began = performance.now();
  const response = await fetch(`/2015-03-31/functions/${encodeURIComponent(name)}/invocations`, {
    method: 'POST',
    body: payload,
    headers: {'content-type': 'application/json', 'x-amz-log-type': 'Tail'},
  });
  const reply = await response.text();
  return {
    status: response.status,
    error: response.headers.get('x-amz-function-error') ?? response.headers.get('x-amzn-errortype'),
    log: response.headers.get('x-amz-log-result'),
    requestId: response.headers.get('x-amzn-requestid'),
    payload: reply,
    ms: performance.now() - began,
  };
}

/** Calls a path under /_local/. The header shows that this page sends the request: another
 * site's page cannot. */
export function local(method, path, body) {
  const headers = {'x-klocal': 'page'};
  if (body !== undefined) headers['content-type'] = 'application/json';
  return request(method, `/_local/${path}`, body === undefined ? undefined : JSON.stringify(body), headers);
}

async function request(method, path, body, headers) {
  let response;
  try {
    response = await fetch(path, {method, body, headers});
  } catch {
    throw new ApiError('Unreachable', 'klocal does not answer. Is it still running?', 0);
  }
  const reply = await response.text();
  let document = null;
  try {
    document = reply ? JSON.parse(reply) : null;
  } catch {
    // Text: a refusal of the cache, for example.
  }
  if (response.ok) return document ?? reply;
  const code =
    document?.__type?.split('#').pop() ??
    document?.Type ??
    response.headers.get('x-amzn-errortype') ??
    `HTTP ${response.status}`;
  throw new ApiError(code, document?.message ?? document?.Message ?? document?.error ?? reply, response.status);
}

/** Follows an operation's pages: `next(reply)` gives the members that ask for the next one. */
export async function pages(service, operation, body, member, next, most = 20) {
  const all = [];
  let more = {};
  for (let page = 0; more && page < most; page += 1) {
    const reply = await aws(service, operation, {...body, ...more});
    all.push(...(reply[member] ?? []));
    more = next(reply);
  }
  return all;
}

/** Every shard of a stream. */
export async function shardsOf(stream) {
  const all = [];
  let body = {StreamName: stream};
  while (body) {
    const reply = await aws('kinesis', 'ListShards', body);
    all.push(...reply.Shards);
    body = reply.NextToken ? {NextToken: reply.NextToken} : null;
  }
  return all;
}

/** The event source mappings. */
export async function mappingsOf() {
  return (await lambda('GET', '/2015-03-31/event-source-mappings/')).EventSourceMappings;
}
