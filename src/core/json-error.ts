/** Where text stops being JSON (in characters from 0) and what is wrong there, without quoting the text. */
export interface JsonErrorPlace {
  readonly offset: number;
  readonly problem: string;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\r\n]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON refuses them inside strings
const STRING_END = /["\u0000-\u001f\\]/g;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** What may stand at a place; the stack of open brackets decides what comes after a value. */
type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | 'after value';

/**
 * Finds the first error in text that should be JSON, or null when it is. JSON.parse gives a position for some errors
 * only, quotes the data for others, and builds the values. Needs no recursion, so that depth does not matter.
 */
export function findJsonError(text: string): JsonErrorPlace | null {
  const open: string[] = [];
  let expected: Expected = 'value';
  let offset = 0;
  for (;;) {
    offset = skip(SPACE, text, offset) ?? offset;
    const character = text[offset];
    if (character === undefined) {
      if (open.length === 0 && expected === 'after value') return null;
      return { offset, problem: endProblem(open.length) };
    }
    if (expected === 'after value') {
      if (open.length === 0) return { offset, problem: 'something follows after the end of the value' };
      const close = open.at(-1) === '{' ? '}' : ']';
      if (character === ',') expected = close === '}' ? 'name' : 'value';
      else if (character === close) open.pop();
      else return { offset, problem: `"," or "${close}" is missing` };
      offset += 1;
    } else if (expected === 'name' || expected === 'name or }') {
      if (character === '}' && expected === 'name or }') {
        open.pop();
        expected = 'after value';
        offset += 1;
      } else if (character === '"') {
        const end = stringEnd(text, offset);
        if (typeof end !== 'number') return end;
        offset = skip(SPACE, text, end) ?? end;
        if (text[offset] !== ':') return { offset, problem: '":" is missing after a name' };
        offset += 1;
        expected = 'value';
      } else
        return {
          offset,
          problem: character === '}' ? 'a comma before "}"' : 'a name in double quotes is missing',
        };
    } else if (character === '{' || character === '[') {
      open.push(character);
      expected = character === '{' ? 'name or }' : 'value or ]';
      offset += 1;
    } else if (character === ']' && expected === 'value or ]') {
      open.pop();
      expected = 'after value';
      offset += 1;
    } else {
      const end =
        character === '"'
          ? stringEnd(text, offset)
          : (skip(NUMBER, text, offset) ?? skip(WORD, text, offset));
      if (end === null) return { offset, problem: valueProblem(character) };
      if (typeof end !== 'number') return end;
      offset = end;
      expected = 'after value';
    }
  }
}

function skip(pattern: RegExp, text: string, offset: number): number | null {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : null;
}

/** Just behind the closing quote, or the error inside. */
function stringEnd(text: string, start: number): number | JsonErrorPlace {
  let offset = start + 1;
  for (;;) {
    STRING_END.lastIndex = offset;
    const found = STRING_END.exec(text);
    if (found === null) return { offset: start, problem: 'a text is not closed with "' };
    if (found[0] === '"') return found.index + 1;
    const end = found[0] === '\\' ? skip(ESCAPE, text, found.index) : null;
    if (end === null) {
      const problem =
        found[0] === '\\'
          ? 'an unknown escape after "\\"'
          : 'a control character (a line break, a tab) inside a text';
      return { offset: found.index, problem };
    }
    offset = end;
  }
}

function endProblem(openBrackets: number): string {
  return openBrackets === 0 ? 'there is nothing' : `it ends early, with ${openBrackets} of { or [ still open`;
}

function valueProblem(character: string): string {
  if (character === '\uFEFF')
    return 'a byte order mark, as it comes between files that were joined; take it away';
  if (character === '\0') return 'a NUL, as a crash or a full disk leaves them; make the file again';
  if (character === "'") return 'a text in single quotes; JSON takes double quotes';
  if (character === '}' || character === ']') return `a value is missing before "${character}"`;
  if (character === 'N' || character === 'I' || character === '-' || character === 'u')
    return 'not a JSON value (NaN, Infinity, undefined and -x are not)';
  return 'a value is missing';
}
