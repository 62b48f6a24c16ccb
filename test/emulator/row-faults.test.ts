import { describe, expect, test } from 'vitest';
import { createBatch, emulate, requests, resultsById, untilEnded } from './fixture.ts';

describe('faults of rows take their share, in results and counts alike', () => {
  test.each<[string, Record<string, unknown>]>([
    ['rows-errored', { type: 'errored', error: { error: { type: 'api_error' } } }],
    ['rows-invalid', { type: 'errored', error: { error: { type: 'invalid_request_error' } } }],
    ['rows-overloaded', { type: 'errored', error: { error: { type: 'overloaded_error' } } }],
    ['rows-expired', { type: 'expired' }],
    ['rows-refused', { message: { stop_reason: 'refusal', stop_details: { type: 'refusal' } } }],
    ['rows-truncated', { message: { stop_reason: 'max_tokens' } }],
    ['rows-paused', { message: { stop_reason: 'pause_turn' } }],
    ['rows-standard', { message: { usage: { service_tier: 'standard' } } }],
    ['rows-empty', { message: { stop_reason: 'end_turn', content: [{ type: 'thinking' }] } }],
  ])('%s', async (fault, shape) => {
    const emulator = await emulate({ faults: [`${fault}=0.3`] });
    const id = await createBatch(emulator, requests(300));
    const results = [...(await resultsById(emulator, id)).values()];
    const matches = results.filter((result) => expect.objectContaining(deep(shape)).asymmetricMatch(result));
    expect(matches.length).toBeGreaterThan(50);
    expect(matches.length).toBeLessThan(140);
    const { request_counts: counts } = await untilEnded(emulator, id);
    for (const type of ['succeeded', 'errored', 'expired'] as const) {
      expect(counts[type]).toBe(results.filter((result) => result.type === type).length);
    }
  });
});

/** Nested objectContaining. */
function deep(shape: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shape).map(([key, value]) => [
      key,
      typeof value !== 'object' || value === null
        ? value
        : Array.isArray(value)
          ? value.map((item) => expect.objectContaining(deep(item)))
          : expect.objectContaining(deep(value as Record<string, unknown>)),
    ]),
  );
}
