import { expect, test } from 'vitest';
import { readFence, readSpec, readTally } from '../../src/store/json-columns.ts';
import { outputKeyOf } from '../../src/store/requests.ts';
import { FENCE, SPEC, tallyOf } from './contract/fixture.ts';

test('an output key is an exact number, the same for the same path and hardly ever for another', () => {
  const keys = new Set<number>();
  for (let n = 0; n < 20_000; n += 1) {
    const key = outputKeyOf(`out/main/row-${n}.md`);
    expect(Number.isSafeInteger(key) && key >= 0 && key < 2 ** 52).toBe(true);
    keys.add(key);
  }
  expect(keys.size).toBe(20_000);
  expect(outputKeyOf('out/main/row-7.md')).toBe(outputKeyOf('out/main/row-7.md'));
  // A key that came out otherwise in a later version would let two rows of one stage write the same file.
  expect(outputKeyOf('out/main/row-7.md')).toBe(3_334_472_983_178_262);
});

test('JSON columns come back as they were written', () => {
  expect(readSpec(JSON.stringify(SPEC))).toEqual(SPEC);
  expect(readFence(JSON.stringify(FENCE))).toEqual(FENCE);
  const tally = { ...tallyOf(3), failures: { truncated: 2 } };
  expect(readTally(JSON.stringify(tally))).toEqual(tally);
});

test.each(['', '[]', 'null', '{}', '{"batchIds":[1]}', '{"batchIds":[],"serverMs":"soon"}'])(
  'a JSON column that holds %j is told as damage',
  (json) => {
    for (const read of [readSpec, readFence, readTally]) {
      expect(() => read(json)).toThrow(expect.objectContaining({ code: 'store_damaged' }));
    }
  },
);
