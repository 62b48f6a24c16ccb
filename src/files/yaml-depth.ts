import { Lexer } from 'yaml';

// As for JSON (core/json-exact.ts). The parser of `yaml` runs out of stack near 770 levels (2.9.1, measured), after
// seconds and hundreds of megabytes where there are many more.
const MAX_DEPTH = 200;

// Marks of the lexer that stand for no text: a document begins, flow ends in error, a scalar follows.
const MARKS = new Set(['\u0002', '\u0018', '\u001f']);

/** Where a YAML text is nested too deep to be parsed, as an offset into it; null where it is not. Needs no recursion. */
export function findDeepYaml(text: string): { readonly offset: number; readonly problem: string } | null {
  let flow = 0;
  let offset = 0;
  let lineStart = 0;
  // Columns at which the open levels of blocks begin; a mapping and a list in it may share one.
  const blocks: number[] = [];
  for (const token of new Lexer().lex(text)) {
    if (MARKS.has(token)) continue;
    if (token === '[' || token === '{') flow += 1;
    else if (token === ']' || token === '}') flow = Math.max(flow - 1, 0);
    if (flow === 0 && token.trim() !== '') {
      const column = offset - lineStart;
      while ((blocks.at(-1) ?? -1) >= column) blocks.pop();
      // What follows on the line of a key is its value, not another level, unless it is a list in short form.
      if (token === '-' || offset === firstInLine(text, lineStart)) blocks.push(column);
    }
    if (flow + blocks.length > MAX_DEPTH)
      return { offset, problem: `nested deeper than ${MAX_DEPTH} levels` };
    offset += token.length;
    const lastBreak = token.lastIndexOf('\n');
    if (lastBreak !== -1) lineStart = offset - token.length + lastBreak + 1;
  }
  return null;
}

function firstInLine(text: string, lineStart: number): number {
  let at = lineStart;
  while (text[at] === ' ') at += 1;
  return at;
}
