import { expect, test } from 'vitest';
import { judgeResult } from '../../src/core/judge.ts';
import { resultRow } from '../../src/core/result-row.ts';
import { ROW_FACTS } from '../support/row-facts.ts';

test.each([0, 1, 2])(
  'a long text is written as JSON writes it whole, pairs and escapes %i units in',
  (shift) => {
    // Wherever the text is cut, one of the three has a pair there and another one an escape.
    const text = `${'.'.repeat(shift)}${'😀"\n'.repeat(40_000)}`;
    const message = { content: [{ type: 'text', text }], stop_reason: 'end_turn' };
    const row = resultRow(ROW_FACTS, judgeResult({ type: 'succeeded', message }), null);
    expect(JSON.parse(row)).toMatchObject({ custom_id: 'a', text, stop_reason: 'end_turn' });
    expect(row).toContain(`,"text":${JSON.stringify(text)},"json":null,`);
  },
);
