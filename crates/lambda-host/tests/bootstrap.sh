#!/usr/bin/env bash
# A Lambda bootstrap for the tests: speaks the Runtime API over bash's own sockets and
# runs $SCRIPT, which uses the functions below.
LC_ALL=C
host=${AWS_LAMBDA_RUNTIME_API%:*} port=${AWS_LAMBDA_RUNTIME_API#*:}

# call METHOD PATH [BODY]: prints the whole reply.
call() {
  exec 3<>"/dev/tcp/$host/$port" || exit 1
  printf '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "$2" "${HOST:-x}" "${#3}" "$3" >&3
  cat <&3
  exec 3>&-
}

# next: waits for an invocation; sets $id, $event and $headers.
next() {
  local reply
  reply=$(call GET /2018-06-01/runtime/invocation/next)
  headers=${reply%%$'\r\n\r\n'*} event=${reply#*$'\r\n\r\n'}
  id=$(header lambda-runtime-aws-request-id)
}

# header NAME: its value in $headers.
header() {
  grep -i "^$1:" <<<"$headers" | cut -d' ' -f2- | tr -d '\r\n'
}

# respond BODY: answers the invocation, prints the Runtime API's reply.
respond() {
  call POST "/2018-06-01/runtime/invocation/$id/response" "$1"
}

# note PID...: adds processes to the test's list.
note() {
  printf '%s\n' "$@" >>"$PROCESSES"
}

eval "$SCRIPT"
