// Momento offline through Momento's JavaScript SDK, with its momento-local
// provider. Run it where @gomomento/sdk is installed: node momento_smoke.mjs LOCAL
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import {
  CacheClient,
  CacheDelete,
  CacheDictionaryFetch,
  CacheGet,
  CacheIncrement,
  CacheListFetch,
  CacheSet,
  CacheSetFetch,
  CacheSetIfAbsent,
  CacheSortedSetFetch,
  Configurations,
  CreateCache,
  CredentialProvider,
  ListCaches,
  MomentoErrorCode,
} from '@gomomento/sdk';

const CACHE = 'from-javascript';

function expect(response, kind) {
  assert(response instanceof kind, `expected ${kind.name}, received ${response}`);
  return response;
}

async function check(port) {
  const client = await CacheClient.create({
    configuration: Configurations.Laptop.latest(),
    credentialProvider: CredentialProvider.forMomentoLocal({hostname: '127.0.0.1', port}),
    defaultTtlSeconds: 60,
  });
  expect(await client.createCache(CACHE), CreateCache.Success);
  expect(await client.createCache(CACHE), CreateCache.AlreadyExists);
  const caches = expect(await client.listCaches(), ListCaches.Success).getCaches();
  assert(caches.some(cache => cache.getName() === CACHE));

  expect(await client.get(CACHE, 'k'), CacheGet.Miss);
  expect(await client.set(CACHE, 'k', 'värde'), CacheSet.Success);
  assert.equal(expect(await client.get(CACHE, 'k'), CacheGet.Hit).valueString(), 'värde');
  expect(await client.setIfAbsent(CACHE, 'k', 'x'), CacheSetIfAbsent.NotStored);
  expect(await client.delete(CACHE, 'k'), CacheDelete.Success);
  expect(await client.get(CACHE, 'k'), CacheGet.Miss);
  const incremented = expect(await client.increment(CACHE, 'n', 3), CacheIncrement.Success);
  assert.equal(incremented.valueNumber(), 3);

  await client.dictionarySetFields(CACHE, 'd', {a: '1', b: '2'});
  const dictionary = expect(await client.dictionaryFetch(CACHE, 'd'), CacheDictionaryFetch.Hit);
  assert.deepEqual(dictionary.valueRecordStringString(), {a: '1', b: '2'});
  await client.setAddElements(CACHE, 's', ['a', 'b']);
  const set = expect(await client.setFetch(CACHE, 's'), CacheSetFetch.Hit);
  assert.deepEqual(set.valueSetString(), new Set(['a', 'b']));
  await client.listConcatenateBack(CACHE, 'l', ['a', 'b']);
  const list = expect(await client.listFetch(CACHE, 'l'), CacheListFetch.Hit);
  assert.deepEqual(list.valueListString(), ['a', 'b']);
  await client.sortedSetPutElements(CACHE, 'z', {a: 2, b: 1});
  const sorted = expect(await client.sortedSetFetchByRank(CACHE, 'z'), CacheSortedSetFetch.Hit);
  assert.deepEqual(sorted.valueArrayStringElements(), [
    {value: 'b', score: 1},
    {value: 'a', score: 2},
  ]);

  const missing = expect(await client.get('none', 'k'), CacheGet.Error);
  assert.equal(missing.errorCode(), MomentoErrorCode.CACHE_NOT_FOUND_ERROR);
  client.close();
}

const cache = spawn(process.argv[2], ['cache', '--port', '0', '--cache-protosocket-port', '0'], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
try {
  const line = await new Promise(resolve => {
    createInterface({input: cache.stderr}).once('line', resolve);
  });
  const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
  assert(found, `klocal cache did not start: ${line}`);
  await check(Number(found[1]));
  console.log("Momento's JavaScript SDK: caches, scalars and collections answer");
} finally {
  cache.kill('SIGTERM');
}
