/**
 * Text from outside (records, answers, server errors, file names, arguments) made safe for a terminal.
 *
 * Escape sequences start with a control character, and bidirectional controls reorder what stands beside them, so
 * both are shown as codes. The joiners U+200C and U+200D stay: scripts and emoji need them and they move nothing.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line whatever comes in. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

/** Keeps line ends and tabs, for text that is meant to be read as it is (a prompt, an answer, a stack). */
export function escapeLines(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(UNSAFE, (found) => (found === '\n' || found === '\t' ? found : escapeCharacter(found)));
}

/** JSON text that a terminal cannot take for orders; it parses to the same value. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (found) => {
    if (found === '\n') return found;
    return found
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  });
}

function escapeCharacter(character: string): string {
  if (character === '\u200c' || character === '\u200d') return character;
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return `\\u{${code.toString(16)}}`;
}

/** A key as `doctor` may show it: enough to recognise it, too little to use it. */
export function maskKey(key: string): string {
  if (key.length < 16) return '…';
  const head = key.startsWith('sk-ant-') ? 'sk-ant-' : key.slice(0, 3);
  return `${head}…${key.slice(-4)}`;
}

const KEY_LIKE = /\bsk-[A-Za-z0-9_-]{13,}/g;

/** The last net under stacks and messages of others: whatever looks like a key is masked. */
export function hideKeys(text: string): string {
  return text.replace(KEY_LIKE, (key) => maskKey(key));
}
