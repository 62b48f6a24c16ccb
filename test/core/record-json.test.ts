import { describe, expect, it } from 'vitest';
import { recordToJson } from '../../src/core/record-json.ts';
import { readJsonRecord } from '../../src/sources/jsonl.ts';

const TEXT = 'größer « né »\n'.repeat(50);

function recordOf(line: string) {
  const bytes = Buffer.from(line);
  const item = readJsonRecord(line, { file: 'records.jsonl', line: 1 }, bytes);
  if (item.kind !== 'record') throw new Error(`${line} is no record`);
  return { bytes, record: recordToJson(item.fields, item.written) };
}

describe('the bytes of a record are those of its line', () => {
  it('where it stands there as JSON.stringify writes it', () => {
    const { bytes, record } = recordOf(JSON.stringify({ id: 'a', text: TEXT, list: [1, { b: null }] }));
    expect(record.bytes).toBe(bytes);
    expect(record.json).toBe(bytes.toString());
  });

  it.each([
    ['with spaces', JSON.stringify({ id: 'a', text: TEXT }).replace(':', ': ')],
    ['with a CR at its end', `${JSON.stringify({ id: 'a', text: TEXT })}\r`],
    ['with a column twice', `{"id":"a","id":"b","text":${JSON.stringify(TEXT)}}`],
    ['with columns that a JavaScript object puts in another order', `{"t":${JSON.stringify(TEXT)},"1":2}`],
    ['with a number written in another way', `{"n":1.0,"text":${JSON.stringify(TEXT)}}`],
  ])('but not %s', (_, line) => {
    const { record } = recordOf(line);
    expect(record.bytes).toBeUndefined();
    expect(record.json).not.toBe(line);
  });
});

describe('the longest text is known in bytes', () => {
  it.each([
    ['between others', { kä: 'é', text: TEXT, more: ['ü'] }],
    ['at the end', { id: 'a', text: `${TEXT}\u{1f600}` }],
  ])('%s', (_, fields) => {
    const { record } = recordOf(JSON.stringify(fields));
    expect(record.longest?.text).toBe(JSON.stringify(fields.text).slice(1, -1));
    expect(Buffer.from(record.longest?.bytes ?? []).toString()).toBe(record.longest?.text);
  });

  it('but not where it is less than half of the line', () => {
    const { record } = recordOf(JSON.stringify({ id: 'a', text: TEXT, other: TEXT }));
    expect(record.bytes).toBeDefined();
    expect(record.longest).toBeUndefined();
  });
});
