import { describe, expect, it } from 'vitest';
import type { Batch } from '../../src/core/batch.ts';
import {
  clockSkewMs,
  fenceIds,
  homeOfDoubt,
  isPastProof,
  judgeDoubt,
  listingReachMs,
  mayBeOurs,
  weighLook,
} from '../../src/core/doubt.ts';
import type { Fence } from '../../src/core/submission.ts';

const MINUTE = 60_000;
const uploadStartedMs = Date.parse('2026-11-20T10:00:00Z');
const sealedMs = uploadStartedMs + 5 * MINUTE;
const fence: Fence = {
  batchIds: ['msgbatch_old'],
  serverMs: sealedMs,
  workspaceId: 'wrkspc_a',
  organizationId: 'org',
};

function batch(id: string, createdMs: number, requests = 40): Batch {
  return {
    id,
    processingStatus: 'in_progress',
    counts: { processing: requests, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    createdAt: new Date(createdMs).toISOString(),
    expiresAt: new Date(createdMs + 24 * 60 * MINUTE).toISOString(),
    endedAt: null,
    cancelInitiatedAt: null,
    archivedAt: null,
    resultsUrl: null,
    describedJson: '{}',
  };
}

describe('a listed batch', () => {
  const facts = { submission: { uploadStartedMs, sealedMs, fence }, requests: 40 };

  it.each([
    [
      'made between upload and seal, by a server that stamps the first byte',
      batch('b', uploadStartedMs),
      true,
    ],
    ['made just after the seal', batch('b', sealedMs + 2_000), true],
    ['made when the longest wait for an answer ends', batch('b', sealedMs + 15 * MINUTE), true],
    ['of another count', batch('b', sealedMs, 41), false],
    ['that was there at the fence', batch('msgbatch_old', sealedMs), false],
    [
      'dated a little before the upload, by another clock than that of `Date`',
      batch('b', uploadStartedMs - 4_000),
      true,
    ],
    ['made long before the upload began', batch('b', uploadStartedMs - 10 * MINUTE - 1), false],
    ['made long after the seal', batch('b', sealedMs + 15 * MINUTE + 1), false],
  ])('%s: candidate %s', (_name, listed, expected) => {
    expect(mayBeOurs(listed, facts)).toBe(expected);
  });

  it('counts all five counters', () => {
    const ended = {
      ...batch('b', sealedMs),
      counts: { processing: 0, succeeded: 30, errored: 4, canceled: 3, expired: 3 },
    };
    expect(mayBeOurs(ended, facts)).toBe(true);
  });

  it('is looked for a day around where the server gave no Date', () => {
    const undated = { ...facts, submission: { ...facts.submission, fence: { ...fence, serverMs: null } } };
    expect(mayBeOurs(batch('b', uploadStartedMs - 20 * 60 * MINUTE), undated)).toBe(true);
  });

  it('ends the walk only ten minutes before the upload', () => {
    expect(listingReachMs(uploadStartedMs, fence)).toBe(uploadStartedMs - 10 * MINUTE);
  });

  it.each([30, -30, 24 * 60, -24 * 60])(
    'is looked for around this machine’s clock too, when Date is %d minutes off it',
    (minutes) => {
      const skewMs = clockSkewMs(sealedMs, sealedMs - minutes * MINUTE);
      const skewed = { ...facts, submission: { ...facts.submission, fence: { ...fence, skewMs } } };
      const made = batch('b', sealedMs - minutes * MINUTE);
      expect(mayBeOurs(made, facts)).toBe(false);
      expect(mayBeOurs(made, skewed)).toBe(true);
      expect(listingReachMs(uploadStartedMs, { ...fence, skewMs })).toBeLessThanOrEqual(
        Date.parse(made.createdAt),
      );
      // Eleven older ones fill what a fence keeps of those, so that it is the window that takes it.
      const between = Array.from({ length: 11 }, (_, index) =>
        batch(`b${index}`, Date.parse(made.createdAt) - 90 * MINUTE),
      );
      const taken = fenceIds([...between, made], uploadStartedMs, { ...fence, skewMs });
      expect(taken).toContain(made.id);
    },
  );

  it('is looked for in the narrow window while the clocks agree within a minute', () => {
    expect(clockSkewMs(sealedMs, sealedMs - 59_000)).toBeUndefined();
    expect(clockSkewMs(null, sealedMs)).toBeUndefined();
  });
});

describe('a fence', () => {
  const minutesBefore = (minutes: number) => batch(`b${minutes}`, uploadStartedMs - minutes * MINUTE);
  const listed = [-3, 0, 9, 10, ...Array.from({ length: 1_000 }, (_, index) => 11 + index)].map(
    minutesBefore,
  );

  it('keeps what was made since ten minutes before the upload, and the ten newest older ones', () => {
    expect(fenceIds(listed, uploadStartedMs, fence)).toEqual(listed.slice(0, 14).map(({ id }) => id));
    expect(fenceIds(listed.slice(6, 9), uploadStartedMs, fence)).toEqual(['b13', 'b14', 'b15']);
  });

  it('reaches as far back as a candidate may be dated when the server gave no Date', () => {
    const day = Array.from({ length: 48 }, (_, index) => minutesBefore(40 * index));
    const undated = { ...fence, serverMs: null };
    const taken = { ...undated, batchIds: fenceIds(day, uploadStartedMs, undated) };
    const without = {
      submission: { uploadStartedMs, sealedMs, fence: { ...undated, batchIds: [] } },
      requests: 40,
    };
    const within = { submission: { uploadStartedMs, sealedMs, fence: taken }, requests: 40 };
    expect(day.filter((one) => mayBeOurs(one, without))).toHaveLength(37);
    expect(day.filter((one) => mayBeOurs(one, within))).toEqual([]);
    expect(taken.batchIds).toHaveLength(47);
  });
});

describe('judging a doubt', () => {
  const settleMs = 15 * MINUTE;
  const look = (afterSealMs: number, good = true) => ({
    serverMs: sealedMs + afterSealMs,
    clean: good,
    knownSeen: good,
  });
  const judge = (
    looks: ReturnType<typeof look>[],
    candidates: { batchId: string; verdict: 'provisional' | 'rejected' }[] = [],
  ) => judgeDoubt({ sealedMs, settleMs, looks, candidates });
  const late = settleMs + 1_000;

  it('waits after one look, however late: a list may lag', () => {
    expect(judge([look(late)]).kind).toBe('wait');
  });

  it('is absent after three clean looks apart from each other, the last after the settle time', () => {
    expect(judge([look(MINUTE), look(4 * MINUTE), look(late)])).toEqual({ kind: 'absent' });
  });

  it('is not absent while the settle time runs', () => {
    expect(judge([look(MINUTE), look(4 * MINUTE), look(8 * MINUTE), look(late - 1)]).kind).toBe('wait');
  });

  it('does not count looks in one breath as three', () => {
    expect(judge([look(late), look(late + 100), look(late + 200)]).kind).toBe('wait');
  });

  it('does not count a look that was broken, of another workspace, or saw nothing that had to be there', () => {
    expect(judge([look(MINUTE), look(4 * MINUTE, false), look(late)]).kind).toBe('wait');
    expect(judge([look(MINUTE), look(4 * MINUTE), look(late, false)]).kind).toBe('wait');
  });

  it('is the user’s after twice the settle time when no look showed anything that had to be there', () => {
    const untold = (minutes: number) => ({ ...look(minutes * MINUTE), knownSeen: false });
    const looks = [1, 4, 8, 17].map(untold);
    expect(judge([...looks, untold(29)]).kind).toBe('wait');
    expect(judge([...looks, untold(31)]).kind).toBe('untold');
    expect(judge([...looks.slice(1), untold(31)]).kind).toBe('wait');
    expect(judge([...looks, { ...untold(31), clean: false }]).kind).toBe('wait');
    expect(judge([...looks, look(20 * MINUTE), untold(31)]).kind).toBe('wait');
    expect(judge([...looks, look(20 * MINUTE), look(25 * MINUTE), look(31 * MINUTE)]).kind).toBe('absent');
  });

  it('is provisional with a candidate, whatever the looks say', () => {
    const looks = [look(MINUTE), look(4 * MINUTE), look(late)];
    expect(judge(looks, [{ batchId: 'b', verdict: 'provisional' }]).kind).toBe('provisional');
    expect(judge(looks, [{ batchId: 'b', verdict: 'rejected' }]).kind).toBe('absent');
  });

  it('does not list in a hot loop, however short the settle time', () => {
    const verdict = judgeDoubt({ sealedMs, settleMs: 0, looks: [look(2_000, false)], candidates: [] });
    expect(verdict).toEqual({ kind: 'wait', nextLookMs: sealedMs + 3_000 });
  });

  it('looks at 0, 5, 15, 30, 60, 120, 240, 480 and 900 seconds, then every ten minutes', () => {
    const times: number[] = [];
    const looks: ReturnType<typeof look>[] = [];
    for (let index = 0; index < 11; index += 1) {
      const verdict = judge(looks.map((one) => ({ ...one, clean: false })));
      if (verdict.kind !== 'wait') throw new Error(verdict.kind);
      const after = verdict.nextLookMs - sealedMs;
      times.push(Math.round(after / 1000));
      looks.push(look(after));
    }
    expect(times).toEqual([5, 15, 30, 60, 120, 240, 480, 901, 1501, 2101, 2701]);
  });
});

describe('a look', () => {
  const walk = {
    whole: true,
    workspaceIds: ['wrkspc_a'],
    batchIds: new Set(['msgbatch_old', 'x']),
    endReached: false,
  };

  it('is clean when every page is whole and from the workspace of the fence', () => {
    expect(weighLook(walk, fence, new Set())).toEqual({ clean: true, knownSeen: true });
    expect(weighLook({ ...walk, whole: false }, fence, new Set()).clean).toBe(false);
    expect(weighLook({ ...walk, workspaceIds: ['wrkspc_a', 'wrkspc_b'] }, fence, new Set()).clean).toBe(
      false,
    );
    expect(weighLook({ ...walk, workspaceIds: [null] }, fence, new Set()).clean).toBe(false);
  });

  it('proves nothing when it saw no batch that had to be there', () => {
    expect(weighLook({ ...walk, batchIds: new Set(['x']) }, fence, new Set()).knownSeen).toBe(false);
    expect(weighLook({ ...walk, batchIds: new Set(['x']) }, fence, new Set(['x'])).knownSeen).toBe(true);
  });

  it('of an empty workspace counts only when the workspace names itself and the list ended', () => {
    const empty = { ...walk, batchIds: new Set<string>(), endReached: true };
    const bare = { ...fence, batchIds: [] };
    expect(weighLook(empty, bare, new Set()).knownSeen).toBe(true);
    expect(weighLook({ ...empty, endReached: false }, bare, new Set()).knownSeen).toBe(false);
    const nameless = { ...bare, workspaceId: null };
    expect(weighLook({ ...empty, workspaceIds: [null] }, nameless, new Set()).knownSeen).toBe(false);
  });
});

describe('results that do not say whose they are', () => {
  const settleMs = 15 * MINUTE;
  const endedAt = new Date(sealedMs).toISOString();
  const look = (minutes: number) => ({ serverMs: sealedMs + minutes * MINUTE, clean: true, knownSeen: true });
  const judge = (minutes: readonly number[], ended: string | null = endedAt) =>
    isPastProof({ endedAt: ended, archivedAt: null }, { sealedMs, settleMs, looks: minutes.map(look) });

  it.each([
    ['of a batch that is in progress are waited for', [0, 4, 8, 12, 16], null, false],
    ['of a batch that ended hours before anybody looked are asked for again', [600], endedAt, false],
    ['five times within a minute are asked for again', [600, 600.2, 600.4, 600.6, 601], endedAt, false],
    ['four times are asked for again', [600, 605, 610, 616], endedAt, false],
    ['five times over the settle time never will', [600, 604, 608, 612, 616], endedAt, true],
  ])('%s', (_name, minutes, ended, expected) => {
    expect(judge(minutes, ended)).toBe(expected);
  });

  it('never will when the API says that they are removed', () => {
    expect(isPastProof({ endedAt, archivedAt: endedAt }, { sealedMs, settleMs, looks: [] })).toBe(true);
  });
});

describe('where a doubt belongs', () => {
  const named = { workspaceId: 'wrkspc_a', organizationId: 'org_a' };
  const nobody = { workspaceId: null, organizationId: null };
  const fenceOf = (owner: typeof named | typeof nobody) => ({ batchIds: [], serverMs: null, ...owner });
  const now = { keyFingerprint: 'k', workspaceIds: ['wrkspc_b'], organizationId: 'org_b' };

  it.each([
    ['its fence says', fenceOf(named), 'other', nobody, now, 'wrkspc_a'],
    ['else another seal of its job', fenceOf(nobody), 'k', named, now, 'wrkspc_a'],
    ['else the key that sealed it', fenceOf(nobody), 'k', nobody, now, 'wrkspc_b'],
    ['and nothing says with another key', fenceOf(nobody), 'other', nobody, now, null],
    [
      'or where pages name two',
      fenceOf(nobody),
      'k',
      nobody,
      { ...now, workspaceIds: ['wrkspc_b', 'wrkspc_c'] },
      null,
    ],
    ['or none', fenceOf(nobody), 'k', nobody, { ...now, workspaceIds: [null] }, null],
  ] as const)('%s', (_what, fence, keyFingerprint, job, seen, workspaceId) => {
    expect(homeOfDoubt({ fence, keyFingerprint }, job, seen).workspaceId).toBe(workspaceId);
  });
});
