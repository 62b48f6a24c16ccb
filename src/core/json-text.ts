import { skipSpace, skipString } from './json-spans.ts';

/**
 * JSON text on one line, otherwise as it stands: for a line of a JSONL file. Half characters, which UTF-8 cannot hold,
 * become escapes. The text must be valid JSON, so that a line break can only stand between its tokens.
 */
export function foldJson(json: string): string {
  const folded = json.replace(/[\r\n][ \t\r\n]*/g, '').trim();
  if (folded.isWellFormed()) return folded;
  return folded.replace(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
}

// Numbers, true, false, null.
const SCALAR = /[^\s,:[\]{}"]+/y;

/**
 * JSON text with two spaces a level, as JSON.stringify writes it. Made from the text and not from its value: numbers
 * keep their digits (12345678901234567890, 1.0) and keys their order. The text must be valid JSON.
 */
export function prettyJson(json: string): string {
  let pretty = '';
  let depth = 0;
  const newLine = (): string => `\n${'  '.repeat(depth)}`;
  for (let at = skipSpace(json, 0); at < json.length; at = skipSpace(json, at)) {
    const character = json[at] ?? '';
    if (character === '"') {
      const end = skipString(json, at);
      pretty += plainString(json.slice(at, end));
      at = end;
      continue;
    }
    if (character === '{' || character === '[') {
      const next = skipSpace(json, at + 1);
      if (json[next] === '}' || json[next] === ']') {
        pretty += `${character}${json[next]}`;
        at = next + 1;
        continue;
      }
      depth += 1;
      pretty += character + newLine();
    } else if (character === '}' || character === ']') {
      depth -= 1;
      pretty += newLine() + character;
    } else if (character === ',') {
      pretty += `,${newLine()}`;
    } else if (character === ':') {
      pretty += ': ';
    } else {
      SCALAR.lastIndex = at;
      const scalar = SCALAR.exec(json)?.[0] ?? character;
      pretty += scalar;
      at += scalar.length;
      continue;
    }
    at += 1;
  }
  return pretty;
}

/** Escapes that need not be are read: `\u00e9` becomes é. */
function plainString(json: string): string {
  return json.includes('\\') ? JSON.stringify(JSON.parse(json)) : json;
}
