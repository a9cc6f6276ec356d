"""Momento offline through Momento's Python SDK, with its momento-local provider."""

import os
import re
import signal
import subprocess
import sys
from datetime import timedelta

from momento import CacheClient, Configurations, CredentialProvider
from momento.responses import (
    CacheDelete,
    CacheDictionaryFetch,
    CacheGet,
    CacheIncrement,
    CacheListFetch,
    CacheSet,
    CacheSetFetch,
    CacheSetIfNotExists,
    CacheSortedSetFetch,
    CreateCache,
    ListCaches,
)

LOCAL = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "debug", "klocal")
CACHE = "from-python"


def expect(response, kind):
    if not isinstance(response, kind):
        sys.exit(f"expected {kind.__qualname__}, received {response!r}")
    return response


def check(port):
    provider = CredentialProvider.for_momento_local("127.0.0.1", port)
    client = CacheClient.create(
        Configurations.Laptop.latest(), provider, timedelta(seconds=60)
    )
    with client:
        expect(client.create_cache(CACHE), CreateCache.Success)
        expect(client.create_cache(CACHE), CreateCache.CacheAlreadyExists)
        caches = expect(client.list_caches(), ListCaches.Success).caches
        assert CACHE in [cache.name for cache in caches], caches

        expect(client.get(CACHE, "k"), CacheGet.Miss)
        expect(client.set(CACHE, "k", "värde"), CacheSet.Success)
        assert expect(client.get(CACHE, "k"), CacheGet.Hit).value_string == "värde"
        expect(client.set_if_not_exists(CACHE, "k", "x"), CacheSetIfNotExists.NotStored)
        expect(client.delete(CACHE, "k"), CacheDelete.Success)
        expect(client.get(CACHE, "k"), CacheGet.Miss)
        assert expect(client.increment(CACHE, "n", 3), CacheIncrement.Success).value == 3

        client.dictionary_set_fields(CACHE, "d", {"a": "1", "b": "2"})
        fetched = expect(client.dictionary_fetch(CACHE, "d"), CacheDictionaryFetch.Hit)
        assert fetched.value_dictionary_string_string == {"a": "1", "b": "2"}
        client.set_add_elements(CACHE, "s", {"a", "b"})
        fetched = expect(client.set_fetch(CACHE, "s"), CacheSetFetch.Hit)
        assert fetched.value_set_string == {"a", "b"}
        client.list_concatenate_back(CACHE, "l", ["a", "b"])
        fetched = expect(client.list_fetch(CACHE, "l"), CacheListFetch.Hit)
        assert fetched.value_list_string == ["a", "b"]
        client.sorted_set_put_elements(CACHE, "z", {"a": 2.0, "b": 1.0})
        fetched = expect(
            client.sorted_set_fetch_by_rank(CACHE, "z"), CacheSortedSetFetch.Hit
        )
        assert fetched.value_list_string == [("b", 1.0), ("a", 2.0)]

        missing = expect(client.get("none", "k"), CacheGet.Error)
        assert missing.error_code.name == "NOT_FOUND_ERROR", missing


def main():
    process = subprocess.Popen(
        [LOCAL, "cache", "--port", "0", "--cache-protosocket-port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if not found:
            sys.exit(f"klocal cache did not start: {line}")
        check(int(found.group(1)))
        print("Momento's Python SDK: caches, scalars and collections answer")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


main()
