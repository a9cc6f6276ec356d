// A function's log line: level, message, and the rest.

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];

const WORD = /\b(TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL)\b/;
// Node.js: time, request id, level, message; Python: [level], time, request id, message.
const NODE = /^\d{4}-\S+Z\t\S+\t(\w+)\t([\s\S]*)$/;
const PYTHON = /^\[(\w+)\]\t\S+Z\t\S+\t([\s\S]*)$/;
const PLATFORM = /^(START|END|REPORT) RequestId: |^INIT_(START|REPORT) |^\{"time":"[^"]+","type":"platform\./;
// Members that the list shows elsewhere, or that only a machine reads.
const KNOWN = new Set([
  'level',
  'severity',
  'message',
  'msg',
  'fields',
  'timestamp',
  'time',
  'target',
  'xray_trace_id',
  'trace_id',
  'span',
  'spans',
  'errorMessage',
  'errorType',
  'stack',
  'stackTrace',
  '_aws',
]);
const FAILED = /Task timed out|Runtime exited|panicked at|Traceback|Uncaught/;

/** Reads a line: {level, message, rest, json: an object or null}. */
export function readLine(text) {
  const runtime = NODE.exec(text) ?? PYTHON.exec(text);
  const body = runtime ? runtime[2] : text;
  const json = object(body);
  const found = {level: runtime?.[1].toLowerCase() ?? 'info', message: body, rest: '', json};
  if (json) fromJson(found, json);
  else if (PLATFORM.test(text)) found.level = 'debug';
  else if (!runtime)
    found.level = WORD.exec(text.slice(0, 80))?.[1].toLowerCase() ?? (FAILED.test(text) ? 'error' : 'info');
  if (found.level === 'warning') found.level = 'warn';
  if (found.level === 'fatal' || found.level === 'critical') found.level = 'error';
  if (!LEVELS.includes(found.level)) found.level = 'info';
  return found;
}

function object(text) {
  // Node.js writes words before the JSON of an error.
  const from = text.startsWith('{') ? 0 : /^(Invoke|Uncaught) \w+ ?\t?\{/.test(text) ? text.indexOf('{') : -1;
  if (from < 0) return null;
  try {
    return JSON.parse(text.slice(from));
  } catch {
    return null;
  }
}

function fromJson(found, json) {
  if (json.level ?? json.severity) found.level = String(json.level ?? json.severity).toLowerCase();
  const message =
    json.message ??
    json.fields?.message ??
    json.msg ??
    (json.errorMessage === undefined ? undefined : `${json.errorType ?? 'Error'}: ${json.errorMessage}`);
  if (message !== undefined) found.message = typeof message === 'string' ? message : JSON.stringify(message);
  if (json.errorMessage !== undefined) found.level = 'error';
  // Metrics in CloudWatch's Embedded Metric Format.
  if (json._aws) [found.level, found.message] = ['trace', 'metrics'];
  if (String(json.type).startsWith('platform.')) [found.level, found.message] = ['debug', json.type];
  found.rest = others(json);
}

/** The other members, in short. */
function others(json) {
  const all = Object.entries({...json.fields, ...json}).filter(([key]) => !KNOWN.has(key));
  return all
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
    .slice(0, 300);
}
