#!/usr/bin/env bash
# A Lambda bootstrap without a runtime. Each invocation asks the cache and DynamoDB for the
# key order-1, and writes a line; one with the record "poison" in its event fails while there
# is no file $MENDED.
set -euo pipefail
LC_ALL=C

# ask URL METHOD PATH HEADERS [BODY]: prints the whole reply.
ask() {
  local address=${1#http://} body=${5:-}
  exec 3<>"/dev/tcp/${address%:*}/${address#*:}"
  printf '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%bContent-Length: %d\r\n\r\n%s' \
    "$2" "$3" "$address" "$4" "${#body}" "$body" >&3
  cat <&3
}

api=/2018-06-01/runtime/invocation
get_item='X-Amz-Target: DynamoDB_20120810.GetItem\r\nContent-Type: application/x-amz-json-1.0\r\n'
get_item+='X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=local/20260101/'
get_item+='us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0\r\n'

while invocation=$(ask "$AWS_LAMBDA_RUNTIME_API" GET "$api/next" ''); do
  event=${invocation#*$'\r\n\r\n'}
  id=$(grep -i '^lambda-runtime-aws-request-id:' <<<"$invocation" | cut -d' ' -f2 | tr -d '\r')
  echo "handling $id"
  ask "$CACHE_URL" GET '/cache/c?key=order-1' 'Authorization: key\r\n' >/dev/null
  ask "$AWS_ENDPOINT_URL" POST / "$get_item" \
    '{"TableName":"orders","Key":{"id":{"S":"order-1"}}}' >/dev/null
  if [[ $event == *cG9pc29u* && ! -e $MENDED ]]; then
    ask "$AWS_LAMBDA_RUNTIME_API" POST "$api/$id/error" '' \
      '{"errorType":"OrderError","errorMessage":"no such order"}' >/dev/null
  else
    ask "$AWS_LAMBDA_RUNTIME_API" POST "$api/$id/response" '' '{}' >/dev/null
  fi
done
