import { describe, expect, test } from 'vitest';
import { widthOf } from '../../src/cli/screen.ts';
import { describeChange, describeStatus, toRecords } from '../../src/cli/watch-records.ts';
import { formatWatch } from '../../src/cli/watch-table.ts';
import { ProviderError } from '../../src/core/errors.ts';
import { HOUR, MINUTE, watchedShard, watchLook } from './watch-fixture.ts';

const ended = watchedShard(2, { batch: { processingStatus: 'ended' } });
const at = (width: number, height = 24, sinceMs = 0, look = watchLook([watchedShard(1), ended])) =>
  formatWatch(look, sinceMs, { width, height });
const offline = new ProviderError('the API cannot be reached', {
  code: 'api_unreachable',
  next: 'again',
  status: null,
  why: 'getaddrinfo ENOTFOUND \u001b[31mapi',
  retryable: true,
});

describe('the table', () => {
  test('has a line a batch with all that is known where there is room', () => {
    expect(at(140)).toEqual([
      'JOB                                   STATUS       ELAPSED  REQUESTS  EXPIRES IN  EARLIER  BATCH',
      'round-reports-20260301-181200 main 1  in_progress    1h12m     8,412      22h48m      35m  msgbatch_01HkcTjaV5uDC8jWR4ZsDV1',
      'round-reports-20260301-181200 main 2  ended          1h12m     8,412           -        -  msgbatch_01HkcTjaV5uDC8jWR4ZsDV2',
      '1 of 2 batches pending, 8,412 requests; next look in 42s',
    ]);
  });

  test('shortens names and says below what has no column in 40 columns', () => {
    expect(at(40)).toEqual([
      'JOB                STATUS       ELAPSED',
      'round…1200 main 1  in_progress    1h12m',
      'round…1200 main 2  ended          1h12m',
      '1 of 2 batches pending, 8,412 requests',
      'first expires in 22h48m',
      'earlier ones took 35m (median)',
      'next look in 42s',
    ]);
  });

  test('tells batches apart however narrow it is, and never reaches the last column', () => {
    for (let width = 12; width <= 160; width += 1) {
      const look = watchLook([watchedShard(1), ended], { troubles: [offline] });
      const lines = formatWatch(look, 0, { width, height: 24 });
      for (const line of lines) expect(widthOf(line), `${width}: ${line}`).toBeLessThan(width);
      expect(new Set(lines).size, String(width)).toBe(lines.length);
    }
  });

  test('counts on between two looks, and what has ended stands still', () => {
    const lines = at(140, 24, 40_000);
    expect(lines[1]).toContain('1h12m');
    expect(at(140, 24, 2 * HOUR)[1]).toMatch(/3h12m +8,412 +20h48m/);
    expect(at(140, 24, 2 * HOUR)[2]).toMatch(/ended +1h12m/);
    expect(lines.at(-1)).toContain('next look in 2s');
    expect(at(140, 24, 30 * HOUR)[1]).toContain('past');
  });

  test('on a low screen shows what is pending and says how much is left out', () => {
    const shards = Array.from({ length: 30 }, (_, index) =>
      index === 20 ? watchedShard(21) : watchedShard(index + 1, { batch: { processingStatus: 'ended' } }),
    );
    const lines = formatWatch(watchLook(shards), 0, { width: 100, height: 8 });
    expect(lines).toHaveLength(7);
    expect(lines.join('\n')).toContain('main 21');
    expect(lines.at(-2)).toBe('… and 26 more lines');
  });

  test('shows no count as progress: nothing moves but time', () => {
    const half = watchedShard(1, {
      batch: { counts: { processing: 4_000, succeeded: 4_412, errored: 0, canceled: 0, expired: 0 } },
    });
    expect(at(140, 24, 0, watchLook([half]))).toEqual(at(140, 24, 0, watchLook([watchedShard(1)])));
  });

  test('says why it could not look, without orders for the terminal', () => {
    const lines = at(100, 24, 0, watchLook([watchedShard(1)], { troubles: [offline] }));
    expect(lines.at(-1)).toBe(
      'could not look: the API cannot be reached: getaddrinfo ENOTFOUND \\x1b[31mapi',
    );
  });

  test('at the end says that nothing is pending', () => {
    expect(at(100, 24, 0, watchLook([ended], { nextLookMs: null })).at(-1)).toBe('no batch is pending');
  });
});

describe('the status of a shard', () => {
  test.each([
    ['in_progress', watchedShard(1)],
    ['canceling', watchedShard(1, { batch: { processingStatus: 'canceling' } })],
    ['ended', ended],
    ['not found', watchedShard(1, { batch: { notFound: { sinceMs: 1, answers: 2 } } })],
    ['lost', watchedShard(1, { shard: { state: 'lost' } })],
    ['canceled', watchedShard(1, { shard: { state: 'canceled' }, batch: null })],
    ['not sent', watchedShard(1, { shard: { state: 'built' }, batch: null })],
    ['in doubt', watchedShard(1, { batch: null })],
    ['real time', watchedShard(1, { shard: { state: 'built', route: 'real_time' }, batch: null })],
    ['ended', watchedShard(1, { shard: { state: 'applied', route: 'real_time' }, batch: null })],
  ])('is %s', (status, one) => {
    expect(describeStatus(one)).toBe(status);
  });

  test('is a sentence where there is no screen', () => {
    expect(describeChange(watchedShard(1))).toBe(
      'round-reports-20260301-181200 main 1: in_progress, batch msgbatch_01HkcTjaV5uDC8jWR4ZsDV1, 8,412 requests, ' +
        'for 1 h 12 min, expires in 22 h 48 min, earlier batches of similar size took 35 min (median of 5)',
    );
    expect(describeChange(ended)).toMatch(/: ended, batch msgbatch_\w+, 8,412 requests, after 1 h 12 min$/);
  });
});

test('a record says when, which batch, how far, and when the next look is', () => {
  const [batch, trouble] = toRecords(watchLook([watchedShard(1)], { troubles: [offline] }));
  expect(batch).toEqual({
    at: '2026-03-01T19:24:04.000Z',
    job_id: 'round-reports-20260301-181200',
    job_state: 'in_progress',
    stage: 'main',
    shard: 1,
    shard_state: 'live',
    requests: 8_412,
    batch_id: 'msgbatch_01HkcTjaV5uDC8jWR4ZsDV1',
    processing_status: 'in_progress',
    request_counts: { processing: 8_412, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    created_at: '2026-03-01T18:12:04Z',
    expires_at: '2026-03-02T18:12:04Z',
    ended_at: null,
    elapsed_ms: HOUR + 12 * MINUTE,
    expires_in_ms: 22 * HOUR + 48 * MINUTE,
    earlier: { batches: 5, median_ms: 35 * MINUTE },
    at_work: null,
    next_look_at: '2026-03-01T19:24:46.000Z',
  });
  expect(trouble).toMatchObject({
    error: { code: 'api_unreachable' },
    next_look_at: '2026-03-01T19:24:46.000Z',
  });
});
