// The page at /_local/, in Chromium: node .ci/page.mjs KLOCAL_BINARY
//
// NODE_PATH names a folder that has playwright-core, CHROMIUM the browser. SHOTS names a folder
// for pictures of every view. The project that runs is written here: a Node.js function that
// fails while a file exists, so that batches are discarded and later redriven.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import http from 'node:http';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';

const {chromium} = createRequire(import.meta.url)('playwright-core');
const [klocal] = process.argv.slice(2);
const PATIENCE = 30_000;

const TEMPLATE = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Stream: {Type: AWS::Kinesis::Stream, Properties: {Name: orders, ShardCount: 1}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: places
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: discarded}}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: handle-orders
      CodeUri: .
      Handler: app.handler
      Runtime: nodejs22.x
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Stream.Arn
            StartingPosition: TRIM_HORIZON
            MaximumRetryAttempts: 1
            DestinationConfig: {OnFailure: {Destination: !GetAtt Queue.Arn}}
`;
const FUNCTION = `
import {existsSync} from 'node:fs';
export const handler = async event => {
  if (existsSync(process.env.BROKEN)) throw new Error('the function is broken');
  for (const {kinesis} of event.Records ?? []) {
    const text = Buffer.from(kinesis.data, 'base64').toString();
    const url = process.env.CACHE_URL + '/cache/demo?ttl_seconds=60&key=' + kinesis.partitionKey;
    const headers = {Authorization: 'key'};
    await fetch(url, {headers});
    await fetch(url, {headers, method: 'PUT', body: text});
    console.log(JSON.stringify({level: 'INFO', message: 'handled', after: {text}}));
  }
  return {handled: event.Records?.length ?? 0};
};
`;

const folder = await mkdtemp(join(tmpdir(), 'klocal-page-'));
const broken = join(folder, 'broken');
await writeFile(join(folder, 'template.yaml'), TEMPLATE);
await writeFile(join(folder, 'app.mjs'), FUNCTION);
await writeFile(join(folder, 'local.toml'), `
[functions.handle-orders.environment]
BROKEN = "${broken}"
CACHE_URL = "\${cache.url}"
[cache]
names = ["demo"]
[[seed.parameters]]
name = "/keys/secret"
type = "SecureString"
value = "not for every eye"
`);

const ports = ['aws', 'lambda', 'cache', 'cache-protosocket'].flatMap(name => [`--${name}-port`, '0']);
const up = spawn(klocal, ['up', '--json', '--quiet', ...ports], {cwd: folder, stdio: ['ignore', 'pipe', 'inherit']});
const browser = await chromium.launch({executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox']});
try {
  await test(await ready());
} finally {
  await browser.close();
  up.kill('SIGINT');
  await new Promise(end => up.exitCode === null ? up.once('exit', end) : end());
  await rm(folder, {recursive: true});
}
console.log('the page: every view works in Chromium');

/** The URL of the AWS APIs, once everything is ready. */
async function ready() {
  for await (const line of createInterface({input: up.stdout})) {
    if (line.startsWith('{')) return JSON.parse(line).aws;
  }
  throw new Error('klocal up ended before it was ready');
}

async function test(aws) {
  const page = await browser.newPage({viewport: {width: 1280, height: 900}});
  const problems = [];
  page.on('console', message => { if (['error', 'warning'].includes(message.type())) problems.push(message.text()); });
  page.on('pageerror', error => problems.push(error.stack));
  page.on('request', request => { if (!/^data:/.test(request.url()) && new URL(request.url()).origin !== aws) problems.push(`foreign request: ${request.url()}`); });
  page.on('response', response => { if (response.status() >= 500) problems.push(`${response.status()} ${response.url()}`); });
  page.setDefaultTimeout(PATIENCE);
  const see = (selector, text) => page.locator(selector, {hasText: text}).first().waitFor();
  const press = name => page.getByRole('button', {name, exact: true}).first().click();
  const open = async hash => { await page.evaluate(to => { location.hash = to; }, hash); };

  await page.goto(`${aws}/_local/`);
  await see('.state', 'live');
  await see('.view', 'Nothing flows at the moment');

  // A put record appears within a second.
  await open('#/records');
  await see('.view', 'No records yet');
  const data = '{"item":"<script>globalThis.foreign = true</script><img src=x onerror=\\"globalThis.foreign = true\\">"}';
  const {SequenceNumber} = await put(page, 'first', data);
  await see('td', 'first');
  const times = [];
  // A machine that does something else may be late once, not always.
  for (let tries = 0; tries < 5 && !times.some(took => took < 1000); tries += 1) {
    const began = Date.now();
    await put(page, `timed-${tries}`, '{}');
    await see('td', `timed-${tries}`);
    times.push(Date.now() - began);
  }
  assert(times.some(took => took < 1000), `records took ${times} ms to appear`);

  // Its journey has every step, at plausible times; its data stays text.
  await see('tr:has-text("first") .badge', 'processed');
  await page.locator('tr', {hasText: 'first'}).locator('a').first().click();
  await see('.waterfall', 'Processed');
  const journey = await page.evaluate(number => fetch(`/_local/records/orders/${number}`).then(reply => reply.json()), SequenceNumber);
  const kinds = journey.steps.map(step => step.kind);
  for (const kind of ['put', 'readable', 'batch', 'invocation', 'processed']) assert(kinds.includes(kind), `${kind} is not in ${kinds}`);
  const invocation = journey.steps.find(step => step.kind === 'invocation');
  const inside = invocation.children.map(step => step.kind);
  for (const kind of ['cache', 'log', 'response']) assert(inside.includes(kind), `${kind} is not in ${inside}`);
  assert(invocation.at >= 0 && invocation.durationMs > 0 && invocation.at + invocation.durationMs < PATIENCE, JSON.stringify(invocation));
  assert(journey.record.latencyMs >= invocation.at, `processed ${journey.record.latencyMs} ms after the put`);
  assert.equal(await page.locator('.decoded pre').textContent(), JSON.stringify(JSON.parse(data), null, 2));
  assert.equal(await page.evaluate(() => globalThis.foreign), undefined);
  assert.equal(await page.locator('.view script, .view img').count(), 0);
  await press('Hex');
  await see('.decoded pre', '000000  7b 22 69');
  await shot(page, 'journey');

  // Sent again, it is another record.
  await press('Send again');
  await page.waitForURL(url => url.hash.startsWith('#/records/orders/') && !url.hash.endsWith(SequenceNumber));
  await see('.waterfall', 'Processed');
  await press('Invoke with this batch');
  await page.locator('dialog').getByRole('button', {name: 'Invoke', exact: true}).click();
  await see('dialog .result', '"handled": 1');
  await page.keyboard.press('Escape');

  // A batch is discarded, and redriven once the function works.
  await writeFile(broken, '');
  await put(page, 'second', 'not JSON');
  await open('#/mappings');
  await see('tr', 'RetryAttemptsExhausted');
  await press('Document');
  await see('dialog pre', 'KinesisBatchInfo');
  await page.keyboard.press('Escape');
  await press('Redrive');
  await see('.toast.bad', 'broken');
  await rm(broken);
  await press('Redrive');
  await see('.toast', '1 record redriven');
  await see('.view', 'No discarded batch');
  await page.getByLabel('BatchSize').fill('10');
  await press('Save');
  await see('.toast', 'BatchSize is 10');
  await page.waitForFunction(() => fetch('/2015-03-31/event-source-mappings/').then(reply => reply.json())
    .then(all => all.EventSourceMappings[0].BatchSize === 10 && all.EventSourceMappings[0].State === 'Enabled'));
  await shot(page, 'mappings');

  // The function: invoked from the form, its errors in groups, restarted.
  await open('#/functions');
  await see('tr', 'Environment');
  await page.getByLabel('Event template').selectOption('Kinesis, no records');
  await press('Invoke');
  await see('.result', '"handled": 0');
  await see('.groups', 'the function is broken');
  await page.getByLabel('Search the log').fill('handled');
  await see('.log .line', 'handled');
  await shot(page, 'functions');
  await press('Restart');
  await page.locator('dialog').getByRole('button', {name: 'Restart'}).click();
  await see('.toast', 'Restarted');

  // Faults: a preset, changed with its slider, applied and cleared; a killed environment.
  await open('#/faults');
  await press('Slow');
  await page.getByLabel('p50, slider').focus();
  await page.keyboard.press('ArrowRight');
  await press('Apply');
  await see('.active-rule', 'p99 400 ms');
  await put(page, 'slow', '{}');
  await page.waitForFunction(() => fetch('/_local/cache/faults').then(reply => reply.json()).then(plan => plan.rules[0].hit > 0));
  await shot(page, 'faults');
  await press('Clear');
  await see('.view', 'The cache works');
  await page.getByLabel('Execution environment').locator('option', {hasText: 'environment'}).first().waitFor({state: 'attached'});
  await press('Kill the environment');
  await see('.toast', 'is killed');

  // A split, and its lineage in the pipeline.
  await press('Split the shard');
  await see('.toast', 'Split in two');
  await open('#/pipeline');
  await see('.lineage .closed', 'shard 0');
  await see('.lineage .open', 'shard 2');
  assert.equal(await page.locator('.chart canvas').count(), 6);
  await see('.feed', 'discarded');
  await shot(page, 'pipeline');

  // What happened stands there again after a reload.
  await page.reload();
  await see('.feed', 'discarded');

  // Data: a record, an item, a message, a parameter that is masked, the cache.
  await open('#/data/streams/orders');
  await press('Put a record');
  await page.locator('dialog textarea').fill('{"from":"the page"}');
  await page.locator('dialog').getByRole('button', {name: 'Put', exact: true}).click();
  await see('.toast', 'Put into shard');
  await shot(page, 'streams');
  await open('#/data/tables/places');
  await press('New item');
  await page.locator('dialog textarea').fill('{"id":{"S":"Car"},"text":{"S":"<b>bold</b>"}}');
  await press('Save');
  await see('td', '<b>bold</b>');
  await open('#/data/queues/discarded');
  await press('Read messages');
  await see('td', 'KinesisBatchInfo');
  await open('#/data/parameters');
  await see('td', '/keys/secret');
  assert(!(await page.locator('.view').textContent()).includes('not for every eye'));
  await press('Show');
  await see('td', 'not for every eye');
  await open('#/data/cache');
  await see('td', 'first');
  await press('Flush');
  await page.locator('dialog').getByRole('button', {name: 'Flush'}).click();
  await see('.view', 'The cache is empty');
  await shot(page, 'cache');

  // At 400 pixels no view is wider than the window.
  await page.setViewportSize({width: 400, height: 800});
  for (const view of ['pipeline', 'records', 'functions', 'data/streams', 'mappings', 'faults']) {
    await open(`#/${view}`);
    await see('h1', '');
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `${view} is wider than 400 pixels`);
  }

  assert.deepEqual(problems.filter(isProblem), []);
  await refusals(aws);
}

/** The one refusal that the test asks for: a redrive that fails again. */
function isProblem(text) {
  return !/status of 409/.test(text);
}

function put(page, PartitionKey, text) {
  const body = {StreamName: 'orders', PartitionKey, Data: Buffer.from(text).toString('base64')};
  return page.evaluate(body_ => fetch('/', {
    method: 'POST', body: JSON.stringify(body_),
    headers: {'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Kinesis_20131202.PutRecord'},
  }).then(reply => reply.json()), body);
}

async function shot(page, name) {
  if (process.env.SHOTS) await page.screenshot({path: join(process.env.SHOTS, `${name}.png`)});
}

/** Requests that another site's page could send. */
async function refusals(aws) {
  const {host} = new URL(aws);
  const status = (method, path, headers) => new Promise((done, fail) => {
    const request = http.request(`${aws}${path}`, {method, headers}, reply => { reply.resume(); done(reply.statusCode); });
    request.on('error', fail);
    request.end();
  });
  const page = {'x-klocal': 'page'};
  assert.equal(await status('GET', '/_local/', {host}), 200);
  assert.equal(await status('GET', '/_local/', {host: 'evil.example'}), 403);
  assert.equal(await status('GET', '/_local/live', {host, origin: 'http://evil.example'}), 403);
  assert.equal(await status('POST', '/_local/cache/flush', {host, origin: 'http://evil.example', ...page}), 403);
  assert.equal(await status('POST', '/_local/cache/flush', {host}), 403);
  assert.equal(await status('POST', '/_local/cache/flush', {host, origin: aws, ...page}), 200);
}
