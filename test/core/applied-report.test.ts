import { describe, expect, test } from 'vitest';
import { APPLIED_EVENT } from '../../src/core/applied-event.ts';
import { readAppliedReports } from '../../src/core/applied-report.ts';

const REPORT = {
  shardId: 2,
  stage: 'main',
  shard: 1,
  batchId: 'msgbatch_1',
  distinct: 10,
  duplicate: 1,
  unknown: 2,
  malformed: 3,
  conflicting: 4,
  problems: ['line 7 is no JSON'],
  problemCount: 1,
  refusedOutputs: [[1, 3]],
  withoutOutput: [
    [5, 5],
    [8, 9],
  ],
};

const eventOf = (detail: unknown) => ({ kind: APPLIED_EVENT, detailJson: JSON.stringify(detail) });

test('a report comes back as it was written, the last of each shard, in the order of the shards', () => {
  const other = { ...REPORT, shardId: 1, batchId: null };
  const events = [
    eventOf({ ...REPORT, distinct: 1 }),
    eventOf(REPORT),
    { kind: 'job_created', detailJson: null },
    eventOf(other),
  ];
  expect(readAppliedReports(events)).toEqual([other, REPORT]);
});

test('a report of an earlier version has no rows without a file', () => {
  const { withoutOutput: _, ...earlier } = REPORT;
  expect(readAppliedReports([eventOf(earlier)])).toEqual([{ ...REPORT, withoutOutput: [] }]);
});

describe('a report that is not what was written is damage, and names the field', () => {
  test.each([
    ['shardId', '2'],
    ['stage', null],
    ['batchId', 7],
    ['problems', ['text', 1]],
    ['refusedOutputs', [[1, 2, 3]]],
    ['refusedOutputs', [[1, '3']]],
    ['withoutOutput', [3]],
    ['withoutOutput', null],
  ])('%s: %j', (name, value) => {
    expect(() => readAppliedReports([eventOf({ ...REPORT, [name]: value })])).toThrow(
      expect.objectContaining({ code: 'store_damaged', why: expect.stringContaining(name) }),
    );
  });

  test.each(['', '[]', '{"shardId":'])('text %j', (detailJson) => {
    expect(() => readAppliedReports([{ kind: APPLIED_EVENT, detailJson }])).toThrow(
      expect.objectContaining({ code: 'store_damaged' }),
    );
  });
});
