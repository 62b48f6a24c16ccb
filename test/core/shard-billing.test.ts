import { describe, expect, test } from 'vitest';
import { pricedAt } from '../../src/core/shard-billing.ts';

const job = { createdAt: '2026-11-18T08:00:00Z', submitRequestedAt: '2026-11-19T08:00:00Z' };

describe('the prices of an answer are those of the day', () => {
  test('on which its batch was created', () => {
    expect(pricedAt(job, { createdAt: '2026-11-20T08:00:00Z' })).toBe('2026-11-20T08:00:00Z');
  });

  test('on which its job was submitted, without a batch', () => {
    expect(pricedAt(job, null)).toBe('2026-11-19T08:00:00Z');
    expect(pricedAt({ ...job, submitRequestedAt: null }, null)).toBe('2026-11-18T08:00:00Z');
  });
});
