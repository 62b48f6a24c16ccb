import { describe, expect, it } from 'vitest';
import { cutAnswer } from '../../src/core/cut-answer.ts';
import { judgeResult } from '../../src/core/judge.ts';
import { parseResultLine } from '../../src/core/result-line.ts';
import { resultRow, resultRowParts } from '../../src/core/result-row.ts';
import { ROW_FACTS } from '../support/row-facts.ts';

const TEXT = 'größer « né » "quoted" \\ \n\t\b\f\r \u007f \u2028 \u{1f600} '.repeat(2_000);
function lineOf(content: readonly unknown[], message: object = {}): string {
  const whole = { content, stop_reason: 'end_turn', model: 'm', usage: { output_tokens: 3 }, ...message };
  return JSON.stringify({ custom_id: 'a', result: { type: 'succeeded', message: whole } });
}

const textBlock = (text: string) => ({ type: 'text', text });

/** The row, made by parsing the whole line. */
const parsedRow = (line: string) => resultRow(ROW_FACTS, judgeResult(parseResultLine(line)?.result), line);

describe('a long answer that is not parsed makes the same row', () => {
  it.each([
    ['alone', lineOf([textBlock(TEXT)])],
    ['after its thinking', lineOf([{ type: 'thinking', thinking: 'so', signature: 's' }, textBlock(TEXT)])],
    [
      'before a call of a tool',
      lineOf([textBlock(TEXT), { type: 'tool_use', id: 't', name: 'n', input: {} }]),
    ],
    ['with an empty text after it', lineOf([{ ...textBlock(TEXT), citations: [1] }])],
    ['cut off by the model', lineOf([textBlock(TEXT)], { stop_reason: 'max_tokens' })],
  ])('%s', (_, line) => {
    const cut = cutAnswer(line);
    if (cut === null) throw new Error('it was not cut');
    expect([...resultRowParts(ROW_FACTS, cut.judgement, line, cut.textJson)].join('')).toBe(parsedRow(line));
    expect({ ...cut.judgement, text: TEXT }).toEqual(judgeResult(parseResultLine(line)?.result));
  });
});

describe('an answer is parsed', () => {
  const call = { type: 'tool_use', id: 't', name: 'n', input: textBlock(TEXT) };
  const control = lineOf([textBlock(TEXT)]).replaceAll('\\t', '\t');
  it.each([
    ['that is short', lineOf([textBlock('short')])],
    ['of several texts', lineOf([textBlock('Well: '), textBlock(TEXT)])],
    ['of several texts, the first being the long one', lineOf([textBlock(TEXT), textBlock('.')])],
    ['that is the input of a tool', lineOf([call])],
    ['that is the input of a tool beside the mark as a text', lineOf([call, textBlock('cutoutofthisline')])],
    ['that has the mark by numbers', lineOf([call, textBlock('@')]).replace('@', '\\u0063utoutofthisline')],
    ['with escapes that need not be', lineOf([textBlock(`${TEXT}é`)]).replace('é', '\\u00e9')],
    ['with a slash escaped', lineOf([textBlock(`${TEXT}/`)]).replace('/', '\\/')],
    ['of another form', lineOf([textBlock(TEXT)]).replace('"text":', '"text": ')],
    ['that is no message', lineOf([textBlock(TEXT)]).replace('"succeeded"', '"errored"')],
    ['with a control character, which is no JSON', control],
    ['that ends within its text', lineOf([textBlock(TEXT)]).slice(0, -40)],
    ['with an escape that JSON does not have', lineOf([textBlock(`${TEXT}@`)]).replace('@', '\\x')],
  ])('%s', (_, line) => {
    expect(line).not.toBe('');
    expect(cutAnswer(line)).toBeNull();
  });
});
