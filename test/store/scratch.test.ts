import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openScratch } from '../../src/store/scratch.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const row = (seq: number, customId = `row-${seq}`, outputFold = `out/${customId}.md`) => ({
  seq,
  customId,
  outputFold,
});

test('ids and outputs that clash are named with the earlier row, across chunks too', () => {
  const scratch = openScratch(makeTempDir());
  expect(scratch.addIds([row(1), row(2), row(3, 'row-1')])).toEqual([
    { seq: 3, on: 'custom_id', earlierSeq: 1 },
  ]);
  expect(scratch.addIds([row(4, 'row-2'), row(5, 'row-5', 'out/row-2.md')])).toEqual([
    { seq: 4, on: 'custom_id', earlierSeq: 2 },
    { seq: 5, on: 'output', earlierSeq: 2 },
  ]);
  scratch.close();
});

test('the id of a row whose output clashes is taken all the same', () => {
  const scratch = openScratch(makeTempDir());
  scratch.addIds([row(1), row(2, 'b', 'out/row-1.md')]);
  expect(scratch.addIds([row(3, 'b')])).toEqual([{ seq: 3, on: 'custom_id', earlierSeq: 2 }]);
  scratch.close();
});

test('nothing is left in the folder', () => {
  const folder = makeTempDir();
  const scratch = openScratch(folder);
  scratch.addIds([row(1)]);
  scratch.close();
  expect(readdirSync(folder)).toEqual([]);
});
