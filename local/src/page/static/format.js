// Numbers, times and names as text.

/** A count or a rate: 0, 1,234, 12.3k. */
export function count(value) {
  if (value === null || value === undefined) return '–';
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)}k`;
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return Number.isInteger(value) ? value.toLocaleString('en') : value.toFixed(1);
}

/** Milliseconds: 0.31 ms, 12 ms, 1.50 s, 2 min 5 s. */
export function ms(value) {
  if (value === null || value === undefined) return '–';
  if (value === 0) return '0 ms';
  if (value < 1) return `${value.toFixed(2)} ms`;
  if (value < 10) return `${value.toFixed(1)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 60_000) return `${(value / 1000).toFixed(2)} s`;
  return age(value);
}

/** Milliseconds at an axis: 50 ms, 2.5 s, 100 s. */
export function msTick(value) {
  return value < 1000 ? `${value} ms` : `${value / 1000} s`;
}

/** A long time: 8 s, 2 min 5 s, 3 h 4 min. */
export function age(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** Bytes: 88 B, 1.2 KiB. */
export function bytes(value) {
  if (value === null || value === undefined) return '–';
  if (value < 1024) return `${value} B`;
  if (value < 1024 ** 2) return `${(value / 1024).toFixed(1)} KiB`;
  return `${(value / 1024 ** 2).toFixed(1)} MiB`;
}

/** A share of a whole. */
export function percent(part, whole) {
  return whole ? `${((100 * part) / whole).toFixed(part === whole || part === 0 ? 0 : 1)} %` : '–';
}

/** A moment (ms since the epoch, or RFC 3339) as local time with milliseconds. */
export function clock(moment) {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return '–';
  return date.toLocaleTimeString('en-GB') + '.' + String(date.getMilliseconds()).padStart(3, '0');
}

/** `shardId-000000000012` as `shard 12`. */
export function shardName(id) {
  const number = /^shardId-0*(\d+)$/.exec(id ?? '');
  return number ? `shard ${number[1]}` : (id ?? '–');
}

/** The last part of an ARN. */
export function nameOf(arn) {
  return (arn ?? '').split(/[:/]/).pop();
}

/** A long number with its middle left out. */
export function short(number, keep = 6) {
  const all = String(number ?? '');
  return all.length > 2 * keep + 1 ? `…${all.slice(-2 * keep)}` : all;
}

/** One and many: plural(1, 'record') is "1 record". */
export function plural(number, noun, nouns = `${noun}s`) {
  return `${count(number)} ${number === 1 ? noun : nouns}`;
}
