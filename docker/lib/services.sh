# shellcheck shell=bash
# Sourced by docker/pipeline: what runs, and in which state.

inspect() { docker inspect --format "$1" "$2" 2>/dev/null || true; }

# The containers of a service; without one, of all.
containers_of() {
  docker ps -aq --filter "label=$project" --filter label=com.docker.compose.oneoff=False \
    --filter "label=com.docker.compose.service${1:+=$1}"
}

# Prints the state of a service: healthy, running, starting, done, failed,
# missing. Of several containers, that of the worst.
state_of() {
  local id state states=''
  for id in $(containers_of "$1"); do states="$states $(state_of_container "$id")"; done
  for state in failed starting running 'done' healthy; do
    case "$states " in *" $state "*) echo "$state"; return ;; esac
  done
  echo missing
}

state_of_container() {
  case $(inspect '{{.State.Status}}/{{if .State.Health}}{{.State.Health.Status}}{{end}}/{{.State.ExitCode}}' "$1") in
    running/healthy/*) echo healthy ;;
    running/unhealthy/*) echo failed ;;
    running/starting/*) echo starting ;;
    running//*) echo running ;;
    exited/*/0) echo 'done' ;;
    exited/*/* | dead/*) echo failed ;;
    '') echo missing ;;
    *) echo starting ;;
  esac
}

# The services that are not as they should be, one to a line, with their state.
not_healthy() {
  local pair state
  for pair in localstack=healthy cache=healthy provision='done' consumer=healthy event-source=healthy; do
    state=$(state_of "${pair%=*}")
    [ "$state" = "${pair#*=}" ] || echo "${pair%=*} ($state)"
  done
}

need_any() {
  [ -n "$(containers_of)" ] || die 'the pipeline does not run
hint: just up starts it'
}

need_service() { # SERVICE
  need_any
  local state
  state=$(state_of "$1")
  case $state in
    healthy | running) ;;
    *) die "$1 is $state
hint: just logs $1 shows why; just up starts what is missing" ;;
  esac
}

need_all() {
  need_any
  local waiting
  waiting=$(not_healthy)
  [ -z "$waiting" ] || die "the pipeline is not healthy: ${waiting//$'\n'/, }
hint: just logs SERVICE shows why; just up starts what is missing"
}

in_mapping() { docker exec "$(containers_of event-source | head -n 1)" "$@"; }

# Asks LocalStack.
aws() { # SERVICE OPERATION JSON
  docker exec --interactive "$(containers_of localstack)" python3 - "$@" <<'PYTHON'
import sys, urllib.request
service, operation, body = sys.argv[1:]
target = {"kinesis": "Kinesis_20131202", "ssm": "AmazonSSM"}[service]
credential = f"AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
headers = {"X-Amz-Target": f"{target}.{operation}", "Content-Type": "application/x-amz-json-1.1", "Authorization": credential}
print(urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:4566/", body.encode(), headers)).read().decode())
PYTHON
}

# Whether the mapping's streams exist: LocalStack forgets them when it restarts.
streams_exist() {
  local stream
  for stream in $(in_mapping klocal status --url http://127.0.0.1:9001 --json | sed -n 's/.*"streamArn": ".*stream\/\(.*\)".*/\1/p'); do
    aws kinesis DescribeStreamSummary "{\"StreamName\": \"$stream\"}" >/dev/null 2>&1 || {
      say "error: the stream $stream does not exist
hint: just up creates it"
      return 1
    }
  done
}

# Prints why a container failed: its probe's last answers and its last lines.
explain_container() { # CONTAINER NAME
  say "error: $2 is $(inspect '{{.State.Status}}{{if .State.Health}}, {{.State.Health.Status}}{{end}}{{if ne .State.Status "running"}}, exit code {{.State.ExitCode}}{{end}}' "$1")"
  inspect '{{if .State.Health}}{{range .State.Health.Log}}probe: {{.Output}}{{end}}{{end}}' "$1" | grep . | tail -n 3 >&2 || true
  say 'its last lines:'
  docker logs --tail 30 "$1" 2>&1 | sed 's/^/  | /' >&2 || true
}

explain() { # SERVICE
  local id
  for id in $(containers_of "$1"); do
    [ "$(state_of_container "$id")" = healthy ] || { explain_container "$id" "$1"; return; }
  done
}

# Until nothing is left: a program that was interrupted may have asked the engine
# for more.
remove_all() {
  local round clean=0 left
  for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    left=$(docker ps -aq --filter "label=$project") left_networks=$(docker network ls -q --filter "label=$project")
    left_volumes=$(docker volume ls -q --filter "label=$project")
    if [ -z "$left$left_networks$left_volumes" ]; then
      clean=$((clean + 1))
      if [ "$clean" -ge 2 ] || [ -z "${interrupted:-}" ]; then break; fi
    else
      clean=0
      # shellcheck disable=SC2086 # ids, and names without spaces
      {
        [ -z "$left" ] || docker rm --force --volumes $left
        [ -z "$left_networks" ] || docker network rm $left_networks
        [ -z "$left_volumes" ] || docker volume rm $left_volumes
      } >"$said" 2>&1 || true
    fi
    [ "$round" -lt 15 ] || die "not everything could be removed: $(tail -n 1 "$said")"
    sleep 0.3
  done
  case $PROJECT_FOLDER in
    # Of the checkout that `up` ran in.
    /*"/.local/containers/$COMPOSE_PROJECT_NAME/project-"*) rm -rf "${PROJECT_FOLDER%/*}" ;;
  esac
  rm -rf "$copies"
  rmdir "${copies%/*}" 2>/dev/null || true
}
