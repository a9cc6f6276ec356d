# shellcheck shell=bash
# Sourced by docker/pipeline: `up` and `reset`.

# Set by `reset`: what ran before is removed once the images are built.
fresh=''
# Set once anything but images has been changed.
changing=''
# Set while a whole pipeline runs that a failure or a signal must leave as it is.
whole=''

up() {
  local began before
  trap 'stop 130' INT
  trap 'stop 143' TERM
  trap 'stop 129' HUP
  [ $# -eq 0 ] || UP_ARGUMENTS=$*
  case $UP_ARGUMENTS in *--scale*) LAMBDA_PORT='' ;; esac # several cannot have one port
  before=$(containers_of)
  [ -z "$before" ] || [ -n "$(not_healthy)" ] || ! streams_exist 2>/dev/null || whole=$before
  need_ports
  need_api_key
  [ -n "$fresh" ] || need_same_localstack
  need_image "$LOCALSTACK_IMAGE" LOCALSTACK_IMAGE
  remember_images
  build_images
  copy_project
  began=$SECONDS changing=1
  if [ -n "$fresh" ]; then
    before='' whole=''
    remove_all
    copy_project
  fi
  keep_api_key
  if [ -z "$whole" ] || [ -n "$(changes)" ]; then stop_mapping; fi
  say '  starting …'
  start || { give_up; die 'the pipeline did not start'; }
  trap - INT TERM HUP
  keep_settings
  table $((SECONDS - began))
}

# A new function's first invocation is the health check's, and must not meet one
# of the mapping: the emulator crashes at a second one.
stop_mapping() {
  local id
  for id in $(containers_of event-source); do docker stop "$id" >/dev/null || true; done
}

# Starts everything and waits until it is healthy. docker-compose 1.29.2 waits
# without end for a container that has failed, so look while it still works.
start() {
  local deadline=$((SECONDS + PATIENCE)) waiting failed id
  # What failed before is no failure of now.
  for id in $(containers_of); do
    [ "$(state_of_container "$id")" != failed ] || docker rm --force "$id" >/dev/null
  done
  # shellcheck disable=SC2086 # several words
  begin "${compose[@]}" up --detach --no-build $UP_ARGUMENTS
  while :; do
    waiting=$(not_healthy)
    failed=$(sed -n 's/ (failed)$//p' <<<"$waiting" | head -n 1)
    [ -z "$failed" ] || { explain "$failed"; return 1; }
    if [ -n "$child" ]; then
      kill -0 "$child" 2>/dev/null || finish || { tail -n 20 "$said" >&2; return 1; }
    elif [ -z "$waiting" ]; then
      return 0
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      explain "${waiting%% *}"
      say "error: not healthy after $PATIENCE s: ${waiting//$'\n'/, }"
      return 1
    fi
    sleep 0.3
  done
}

# --- before anything is changed ----------------------------------------------

need_ports() {
  local setting port ours
  ours=$(docker ps --filter "label=$project" --format '{{.Ports}}')
  for setting in AWS_PORT CACHE_PORT LAMBDA_PORT STATUS_PORT; do
    port=${!setting}
    [ -n "$port" ] || continue
    case $ours in *"127.0.0.1:$port->"*) continue ;; esac
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      die "port $port on 127.0.0.1 is in use$(holder "$port")
hint: stop it, or choose another port with $setting=PORT" 2
    fi
  done
}

holder() {
  command -v ss >/dev/null || return 0
  ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/ by \1 (pid \2)/p' | head -n 1
}

# Compose would replace its container, and LocalStack keeps everything in memory.
need_same_localstack() {
  local id setting
  id=$(containers_of localstack)
  [ -n "$id" ] && [ "$(state_of localstack)" = healthy ] || return 0
  for setting in AWS_PORT LOCALSTACK_IMAGE; do
    [ "${!setting}" = "$(told "$setting")" ] || ! was_told "$setting" ||
      die "$setting was $(told "$setting") and is ${!setting} now: LocalStack would lose its streams and tables
hint: just reset starts with the new value and nothing in it" 2
  done
  [ "$(inspect '{{.Image}}' "$id")" = "$(inspect '{{.Id}}' "$LOCALSTACK_IMAGE")" ] ||
    die "$LOCALSTACK_IMAGE is another image now: LocalStack would lose its streams and tables
hint: just reset starts with the new image and nothing in it" 2
}

secrets=${COMPOSE_PROJECT_NAME}_secrets

need_api_key() {
  [ "$CACHE_BACKEND" = momento ] || return 0
  [ -n "${MOMENTO_API_KEY:-}" ] || docker volume inspect "$secrets" >/dev/null 2>&1 ||
    die 'CACHE_BACKEND=momento needs an API key of Momento in MOMENTO_API_KEY' 2
}

# In a volume, as a file: `docker inspect` shows variables to everyone who may
# use the engine, and keeps them in its own files.
keep_api_key() {
  docker volume create --label "$project" --label com.docker.compose.volume=secrets "$secrets" >/dev/null
  if [ "$CACHE_BACKEND" = stub ]; then
    [ -z "$before" ] || [ -z "$(in_secrets 'if [ -e momento-api-key ]; then rm momento-api-key; echo removed; fi' </dev/null)" ] ||
      forget_parameter
  elif [ -n "${MOMENTO_API_KEY:-}" ]; then
    printf %s "$MOMENTO_API_KEY" | in_secrets '
      umask 077
      [ ! -e momento-api-key ] || mv momento-api-key before
      cat >momento-api-key
      chown 10001:10001 momento-api-key'
  fi
}

in_secrets() { # SCRIPT
  docker run --rm --interactive --network none --user 0:0 --label "$project" --volume "$secrets:/run/secrets" \
    --workdir /run/secrets --entrypoint sh "$RUNTIME_BASE_IMAGE" -euc "$1"
}

restore_api_key() {
  [ "$CACHE_BACKEND" = momento ] && [ -n "${MOMENTO_API_KEY:-}" ] || return 0
  in_secrets 'rm momento-api-key; [ ! -e before ] || mv before momento-api-key' </dev/null
  forget_parameter
}

# `provision` keeps a key of Momento that is there, unless it is given another.
forget_parameter() {
  aws ssm DeleteParameter '{"Name": "/keys/momento-pct-key"}' >/dev/null 2>&1 || true
}

# --- a second `up` -----------------------------------------------------------

image_of_service() { inspect '{{.Image}}' "$(containers_of "$1" | head -n 1)"; }

remember_images() {
  [ -n "$whole" ] || return 0
  consumer_before=$(image_of_service consumer)
  local_before=$(image_of_service event-source)
  producer_before=$(inspect '{{.Id}}' kinesis-momento-rust/producer)
}

# What differs from what runs.
changes() {
  changed_settings
  [ "$(inspect '{{.Id}}' kinesis-momento-rust/consumer)" = "$consumer_before" ] || echo consumer
  [ "$(inspect '{{.Id}}' kinesis-momento-rust/local)" = "$local_before" ] || echo local
}

# The images, template and settings of before; compose replaces the containers
# that have others.
restore() {
  docker tag "$consumer_before" kinesis-momento-rust/consumer
  docker tag "$local_before" kinesis-momento-rust/local
  [ -z "$producer_before" ] || docker tag "$producer_before" kinesis-momento-rust/producer
  [ -z "$(not_healthy)" ] && [ "$(containers_of)" = "$whole" ] && return 0
  say 'restoring what ran before'
  restore_api_key
  stop_mapping
  take_what_was_told
  start || die 'what ran before could not be restored
hint: just reset starts with nothing in it'
}

# --- when it fails -----------------------------------------------------------

# Removes what this `up` started; leaves what ran before it.
give_up() {
  end_child
  if [ -z "$changing" ]; then
    return 0
  elif [ -n "$whole" ]; then
    restore
    say 'what ran before still runs; just down removes it'
  elif [ -n "$before" ]; then
    say 'what ran before was not healthy and is left as it is; just down removes it'
  else
    say 'removing what was started'
    remove_all
  fi
}

stop() { # EXIT_CODE
  # A second signal must not end this, nor the programs that it runs.
  trap '' INT TERM HUP PIPE
  interrupted=1
  say
  say interrupted
  give_up
  exit "$1"
}

table() {
  local address backend=$CACHE_BACKEND id
  say
  say "  AWS APIs  http://127.0.0.1:$AWS_PORT  Kinesis, DynamoDB, SQS, SSM ($LOCALSTACK_IMAGE)"
  for id in $(containers_of consumer); do
    address=$(docker port "$id" 8080/tcp | head -n 1)
    say "  Lambda    http://$address/2015-03-31/functions/function/invocations  AWS's Runtime Interface Emulator"
  done
  if [ "$backend" = momento ]; then
    say "  Cache     Momento"
  else
    say "  Cache     http://127.0.0.1:$CACHE_PORT  Momento offline, gRPC"
  fi
  say "  Mapping   http://127.0.0.1:$STATUS_PORT/_local/status  model-one → kinesis-consumer-model-one-rust"
  say
  say "Healthy after $1 s. Next:"
  say
  say "  RECORD_COUNT=1000 just load"
  say "  just status"
  say "  just logs -f consumer"
  say "  just down"
}
