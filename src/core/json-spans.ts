/** A piece of JSON text: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A member of an object: its name, and where its value stands. */
export interface MemberSpan extends Span {
  readonly name: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Where the values of the outermost object stand, in the order of the text. The text must be valid JSON and an
 * object (JSON.parse it first); what is wrong in it is not noticed here.
 */
export function memberSpans(text: string): readonly MemberSpan[] {
  const spans: MemberSpan[] = [];
  let position = skipSpace(text, text.indexOf('{') + 1);
  while (text.charCodeAt(position) === QUOTE) {
    const nameEnd = skipString(text, position);
    const raw = text.slice(position, nameEnd);
    // A JSON string parses to a string.
    const name = raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1);
    const start = skipSpace(text, text.indexOf(':', nameEnd) + 1);
    const end = skipValue(text, start);
    spans.push({ name, start, end });
    position = skipSpace(text, end);
    if (text[position] === ',') position = skipSpace(text, position + 1);
  }
  return spans;
}

/** Where the items of a list stand; `start` is the place of its `[`. The text must be valid JSON. */
export function* itemSpans(text: string, start: number): Generator<Span> {
  let position = skipSpace(text, start + 1);
  while (position < text.length && text[position] !== ']') {
    const end = skipValue(text, position);
    yield { start: position, end };
    position = skipSpace(text, end);
    if (text[position] === ',') position = skipSpace(text, position + 1);
  }
}

/** The place of the first character that is not white space. */
export function skipSpace(text: string, start: number): number {
  let position = start;
  for (;;) {
    const code = text.charCodeAt(position);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return position;
    position += 1;
  }
}

function skipValue(text: string, start: number): number {
  let depth = 0;
  let position = start;
  while (position < text.length) {
    const code = text.charCodeAt(position);
    if (code === QUOTE) {
      position = skipString(text, position);
      if (depth === 0) return position;
      continue;
    }
    if (code === 0x7b || code === 0x5b) depth += 1;
    else if (code === 0x7d || code === 0x5d) {
      if (depth === 0) return position;
      depth -= 1;
      if (depth === 0) return position + 1;
    } else if (depth === 0 && (code === 0x2c || code <= 0x20)) return position;
    position += 1;
  }
  return position;
}

/** Jumps from quote to quote, so that long texts cost little; `start` is at the opening one. */
export function skipString(text: string, start: number): number {
  let position = start;
  for (;;) {
    position = text.indexOf('"', position + 1);
    if (position === -1) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(position - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return position + 1;
  }
}
