import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Emulator } from '../../src/emulator/server.ts';
import { bringAbout, FORBIDDEN_KEY, HOME_KEY, type Situation, type SituationOptions } from './fixture.ts';

/**
 * Which key meets a job in which state: what the command says, and what it leaves. Every distinct cause has a code of its own,
 * and nothing is concluded from the silence of a workspace that is not the job's.
 */
interface Outcome {
  readonly exit: number;
  /** Of the error; absent: none. */
  readonly code?: string;
  /** Of the job afterwards; absent: what it was. */
  readonly state?: string;
  /** Batches that the command has made; 0 where not given. */
  readonly made?: number;
}

interface Key {
  readonly env?: (situation: Situation) => Record<string, string>;
  readonly faults?: readonly string[];
  readonly flags?: readonly string[];
}

const key = (value: string): Key => ({ env: () => ({ ANTHROPIC_API_KEY: value }) });

const KEYS = {
  'the same key': {},
  'another key of the same workspace': key(`${HOME_KEY}+rotated`),
  'a key of another workspace': key('sk-emu-away'),
  'a key of another organization': key(`${HOME_KEY}@acme`),
  'a revoked key': key('bad-key'),
  'a key without rights': key(FORBIDDEN_KEY),
  'another base URL': { env: ({ elsewhere }) => ({ ANTHROPIC_BASE_URL: elsewhere.url }) },
  'the emulator': {
    env: ({ elsewhere }) => ({ BATCHCTL_EMULATOR_URL: elsewhere.url }),
    flags: ['--emulator'],
  },
  'the same key, answers naming no workspace': { faults: ['no-workspace'] },
  'another key of the same workspace, answers naming none': {
    ...key(`${HOME_KEY}+rotated`),
    faults: ['no-workspace'],
  },
  'a key of another workspace, answers naming none': { ...key('sk-emu-away'), faults: ['no-workspace'] },
} satisfies Record<string, Key>;

type KeyName = keyof typeof KEYS;

/** Of every job that has something at the API. */
const STRANGERS = {
  'a key of another workspace': { exit: 4, code: 'other_workspace' },
  'a key of another organization': { exit: 4, code: 'other_organization' },
  'a revoked key': { exit: 4, code: 'key_refused' },
  'a key without rights': { exit: 4, code: 'key_forbidden' },
  'another base URL': { exit: 2, code: 'other_account' },
  'the emulator': { exit: 2, code: 'other_account' },
  'a key of another workspace, answers naming none': { exit: 4, code: 'other_key' },
} satisfies Partial<Record<KeyName, Outcome>>;

const owners = (own: Outcome, unnamed: Outcome, unnamedRotated: Outcome) => ({
  'the same key': own,
  'another key of the same workspace': own,
  'the same key, answers naming no workspace': unnamed,
  'another key of the same workspace, answers naming none': unnamedRotated,
});

const UNPROVEN: Outcome = { exit: 4, code: 'other_key' };
const UNNAMED: Outcome = { exit: 5, code: 'workspace_unnamed' };
const PENDING: Outcome = { exit: 8 };

interface Case extends SituationOptions {
  readonly command: readonly string[];
  /** Before the command. */
  readonly state: string;
  readonly outcomes: Record<KeyName, Outcome>;
}

const SUBMIT = ['submit', '--use-batch', '--submit-only'];
const RETRIEVE = ['retrieve', 'latest'];

/** What somebody does in the Console. */
async function deleteBatches({ url }: Emulator): Promise<void> {
  const headers = { 'x-api-key': HOME_KEY, 'anthropic-version': '2026-10-21' };
  const list = await (await fetch(`${url}/v1/messages/batches`, { headers })).json();
  for (const { id } of (list as { data: { id: string }[] }).data)
    await fetch(`${url}/v1/messages/batches/${id}`, { method: 'DELETE', headers });
}

const CASES: Record<string, Case> = {
  'a batch in progress': {
    batchSeconds: 600,
    commands: [{ args: SUBMIT }],
    command: RETRIEVE,
    state: 'in_progress',
    outcomes: { ...STRANGERS, ...owners(PENDING, PENDING, PENDING) },
  },
  'a batch that has ended': {
    batchSeconds: 0.01,
    commands: [{ args: SUBMIT }],
    command: RETRIEVE,
    state: 'in_progress',
    outcomes: {
      ...STRANGERS,
      ...owners({ exit: 0, state: 'done' }, { exit: 0, state: 'done' }, { exit: 0, state: 'done' }),
    },
  },
  'results that were removed after 29 days': {
    batchSeconds: 0.01,
    faults: ['archive-after=0'],
    commands: [{ args: SUBMIT }],
    command: RETRIEVE,
    state: 'in_progress',
    outcomes: {
      ...STRANGERS,
      ...owners({ exit: 3, state: 'failed' }, { exit: 3, state: 'failed' }, { exit: 3, state: 'failed' }),
    },
  },
  'a batch that was deleted': {
    batchSeconds: 0.01,
    commands: [{ args: SUBMIT }],
    afterwards: deleteBatches,
    command: RETRIEVE,
    state: 'in_progress',
    // One «not found» is no proof, see core/gone.ts.
    outcomes: { ...STRANGERS, ...owners(PENDING, PENDING, UNPROVEN) },
  },
  'a batch that is too new to be found': {
    batchSeconds: 0.01,
    faults: ['list-lag=3600', 'not-found=3600'],
    commands: [{ args: SUBMIT }],
    command: RETRIEVE,
    state: 'in_progress',
    outcomes: { ...STRANGERS, ...owners(PENDING, PENDING, UNPROVEN) },
  },
  'a create whose answer was lost': {
    batchSeconds: 600,
    commands: [{ args: SUBMIT, failpoint: 'create.answer=kill' }],
    command: ['resume', 'latest', '--once', '--settle', '1s'],
    state: 'in_doubt',
    outcomes: {
      ...STRANGERS,
      ...owners(PENDING, UNNAMED, UNPROVEN),
    },
  },
  'an attempt that was judged absent, under watch': {
    batchSeconds: 600,
    first: ['create-500'],
    // The interval of the real API would be a minute between the proof and the next try.
    commands: [{ args: [...SUBMIT, '--settle', '1s', '--interval', '200ms'] }],
    command: ['resume', 'latest', '--once'],
    state: 'in_progress',
    outcomes: { ...STRANGERS, ...owners(PENDING, PENDING, PENDING) },
  },
  'a shard that was not sent yet, beside one that was': {
    records: 11,
    batchSeconds: 600,
    // The first bytes of the second shard are the third piece that leaves.
    commands: [{ args: [...SUBMIT, '--max-shard-requests', '6'], failpoint: 'upload.first=kill@3' }],
    command: ['resume', 'latest', '--once'],
    state: 'submitting',
    outcomes: {
      ...STRANGERS,
      ...owners({ exit: 8, state: 'in_progress', made: 1 }, UNNAMED, UNNAMED),
    },
  },
  'a job that was never sent': {
    batchSeconds: 600,
    commands: [{ args: ['build'] }],
    command: SUBMIT,
    state: 'built',
    // It belongs to nobody yet.
    outcomes: {
      'the same key': { exit: 0, state: 'in_progress', made: 1 },
      'another key of the same workspace': { exit: 0, state: 'in_progress', made: 1 },
      'a key of another workspace': { exit: 0, state: 'in_progress', made: 1 },
      'a key of another organization': { exit: 0, state: 'in_progress', made: 1 },
      'a revoked key': { exit: 4, code: 'key_refused' },
      'a key without rights': { exit: 4, code: 'key_forbidden' },
      'another base URL': { exit: 0, state: 'in_progress', made: 1 },
      // A rehearsal is a job of its own, and leaves this one alone.
      'the emulator': { exit: 0, made: 1 },
      'the same key, answers naming no workspace': { exit: 0, state: 'in_progress', made: 1 },
      'another key of the same workspace, answers naming none': { exit: 0, state: 'in_progress', made: 1 },
      'a key of another workspace, answers naming none': { exit: 0, state: 'in_progress', made: 1 },
    },
  },
};

const ROWS = Object.entries(CASES).map(([name, one], position) => [name, { position, ...one }] as const);

describe.each(ROWS)('%s', (_name, { command, state, outcomes, position, ...options }) => {
  let situation: Situation;
  beforeAll(async () => {
    situation = await bringAbout(options);
  }, 60_000);
  afterAll(() => situation.close());

  // The table is complete by its type.
  test.each(Object.keys(KEYS) as KeyName[])('met with %s', async (name) => {
    const { env, faults = [], flags = [] }: Key = KEYS[name];
    const wanted = outcomes[name];
    // A diagonal through the table goes through the built program; the rest through the same code in this process.
    const asChild = Object.keys(KEYS).indexOf(name) % ROWS.length === position;
    const met = await situation.meet({
      args: [...command, ...flags],
      env: env?.(situation) ?? {},
      faults,
      asChild,
    });
    const got = { exit: met.exit, code: met.error?.code, state: met.state, made: met.made };
    expect(got, met.stderr).toEqual({ code: undefined, state, made: 0, ...wanted });
    if (wanted.code !== undefined) {
      expect(met.error?.why, 'why').toBeTruthy();
      expect(met.error?.next, 'next').toBeTruthy();
    }
  });
});
