// Base64, text, JSON and hexadecimal.

/** The bytes of a base64 text. */
export function fromBase64(base64) {
  return Uint8Array.from(atob(base64 ?? ''), letter => letter.charCodeAt(0));
}

/** Bytes, or a text as UTF-8, as base64. */
export function toBase64(data) {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  let binary = '';
  for (let at = 0; at < bytes.length; at += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(binary);
}

/** UTF-8 as text, or null. */
export function asText(bytes) {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    return null;
  }
}

/** Indented JSON, or null where a text is none. */
export function asJson(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

/** Offset, 16 bytes and their letters in each line. */
export function asHex(bytes, most = 4096) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, most); at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const hex = part
      .map(byte => byte.toString(16).padStart(2, '0'))
      .join(' ')
      .padEnd(47);
    const letters = part.map(byte => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex}  ${letters}`);
  }
  if (bytes.length > most) lines.push(`… ${bytes.length - most} more bytes`);
  return lines.join('\n');
}
