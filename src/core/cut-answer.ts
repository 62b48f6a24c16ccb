import { skipString } from './json-spans.ts';
import { type Judgement, judgeResult } from './judge.ts';
import { parseResultLine } from './result-line.ts';

/** A long answer whose text was not parsed. */
export interface CutAnswer {
  /** But for `text`, which is null. */
  readonly judgement: Judgement;
  /** The text as JSON.stringify writes it: a piece of the line. */
  readonly textJson: string;
}

/** To parse a text of 1.2 MB and to make JSON of it again takes 4.5 ms, to look for its end and through it 1.3 ms (Node 24.21, 2026-11). */
const LEAST_UNITS = 65_536;
/** As the API begins a block of text. Inside a string its quotes would be escaped. */
const BLOCK = '{"type":"text","text":';
/** Stands for the text while the rest is judged. Letters only, so that it can be written in another way by `\u` alone. */
const MARK = 'cutoutofthisline';
/** What no JSON has, and what JSON.stringify would write in another way. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NOT_AS_WRITTEN = /[\u0000-\u001f]|(?<!\\)(?:\\\\)*\\[^"\\bfnrt]/;

/**
 * The answer of a stage without a schema. Null where the line is short, or is no message with one block of text, written as
 * JSON.stringify does: parsing it says what it is.
 */
export function cutAnswer(line: string): CutAnswer | null {
  if (line.length < LEAST_UNITS) return null;
  const block = line.indexOf(BLOCK);
  const start = block + BLOCK.length;
  if (block === -1 || line[start] !== '"') return null;
  const end = skipString(line, start);
  if (end - start < line.length - LEAST_UNITS) return null;
  const [before, after] = [line.slice(0, start), line.slice(end)];
  if ([before, after].some((rest) => rest.includes(MARK) || rest.includes('\\u'))) return null;
  const judgement = judgeResult(parseResultLine(`${before}"${MARK}"${after}`)?.result);
  if (judgement.text !== MARK) return null;
  const textJson = line.slice(start, end);
  return NOT_AS_WRITTEN.test(textJson) ? null : { judgement: { ...judgement, text: null }, textJson };
}
